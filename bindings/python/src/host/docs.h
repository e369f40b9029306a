/* What help() says of devices, streams, evaluation and processes; the examples are run by
 * tests/python/package/test_help.py. */
#ifndef MLXC_PYTHON_HOST_DOCS_H
#define MLXC_PYTHON_HOST_DOCS_H

// clang-format off
#define DOC_DEVICE \
"Device(type, index=0)\n--\n\n\
A device to run operations on.\n\
\n\
Args:\n\
    type: mx.cpu or mx.gpu.\n\
    index: Which of these.\n\
\n\
Example:\n\
    >>> mx.Device(mx.cpu)\n\
    Device(cpu, 0)\n\
    >>> mx.Device(mx.cpu) == mx.cpu\n\
    True\n"

#define DOC_RANGE_ERROR \
"An axis, an index or a size is out of range.\n\
\n\
Example:\n\
    >>> try:\n\
    ...     mx.array([1, 2])[5]\n\
    ... except mx.RangeError:\n\
    ...     print(\"there is no element 5\")\n\
    there is no element 5\n\
    >>> issubclass(mx.RangeError, IndexError), issubclass(mx.RangeError, ValueError)\n\
    (True, True)\n"

#define DOC_STREAM_TYPE \
"An ordered queue of work on a device. new_stream makes one.\n\
\n\
Example:\n\
    >>> mx.new_stream(mx.cpu).device\n\
    Device(cpu, 0)\n"

#define DOC_STREAM_CONTEXT \
"StreamContext(s)\n--\n\n\
Operations inside run on s unless they name a stream.\n\
\n\
Args:\n\
    s: A stream, or a device: its default stream.\n\
\n\
Raises:\n\
    ValueError: when it is entered: there is no such device\n\
\n\
Example:\n\
    >>> with mx.StreamContext(mx.cpu):\n\
    ...     mx.default_device()\n\
    Device(cpu, 0)\n"

#define DOC_THREAD_LOCAL_STREAM \
"A stream for threads of their own; since streams belong to the process, as any other.\n\
\n\
Example:\n\
    >>> mx.new_thread_local_stream(mx.cpu).device\n\
    Device(cpu, 0)\n"

#define DOC_ASYNC_EVAL \
"async_eval($module, /, *args)\n--\n\n\
Begin to compute arrays, or trees of them, and return. They may be used at once; who reads\n\
them waits.\n\
\n\
Args:\n\
    args: Arrays, or trees of them; other leaves are passed over.\n\
\n\
Raises:\n\
    RuntimeError: when they are read: an operation failed\n\
\n\
Example:\n\
    >>> x = mx.arange(3) * 2\n\
    >>> mx.async_eval(x)\n\
    >>> x.tolist()\n\
    [0, 2, 4]\n"

#define DOC_CLEAR_STREAMS \
"clear_streams() -> None\n\
\n\
Wait until all work is done.\n\
\n\
Example:\n\
    >>> mx.clear_streams()\n"

#define DOC_DEFAULT_DEVICE \
"default_device() -> Device\n\
\n\
The device of operations that name none.\n\
\n\
Returns:\n\
    Device: mx.cpu, unless set_default_device or the environment (MLX_GPU_ON_CPU) says\n\
        otherwise.\n\
\n\
Example:\n\
    >>> mx.default_device()\n\
    Device(cpu, 0)\n"

#define DOC_DEFAULT_STREAM \
"default_stream(device: Device | DeviceType) -> Stream\n\
\n\
The stream of operations that name this device.\n\
\n\
Args:\n\
    device: The device.\n\
\n\
Returns:\n\
    Stream: Its default stream.\n\
\n\
Raises:\n\
    ValueError: there is no such device\n\
\n\
Example:\n\
    >>> mx.default_stream(mx.cpu).device\n\
    Device(cpu, 0)\n"

#define DOC_DEPENDS \
"depends($module, /, inputs, dependencies)\n--\n\n\
The inputs again, as arrays that are computed after the dependencies.\n\
\n\
Args:\n\
    inputs: An array, or a list of arrays.\n\
    dependencies: An array, or a list of arrays, that are computed first.\n\
\n\
Returns:\n\
    array or list: The inputs; an array where one was given.\n\
\n\
Example:\n\
    >>> x, y = mx.array(1) + 1, mx.array(2) * 2\n\
    >>> mx.depends(x, y)\n\
    array(2, dtype=int32)\n"

#define DOC_DEVICE_COUNT \
"device_count(device_type: DeviceType) -> int\n\
\n\
How many devices of a type there are.\n\
\n\
Args:\n\
    device_type: mx.cpu or mx.gpu.\n\
\n\
Returns:\n\
    int: How many there are.\n\
\n\
Example:\n\
    >>> mx.device_count(mx.cpu)\n\
    1\n"

#define DOC_DEVICE_INFO \
"device_info(d: None | Device | DeviceType = None) -> dict[str, str | int]\n\
\n\
What is known about a device.\n\
\n\
Args:\n\
    d: The device; None: the default one.\n\
\n\
Returns:\n\
    dict: Names, counts and sizes, by name; empty where there is no such device.\n\
\n\
Example:\n\
    >>> sorted(mx.device_info(mx.cpu))[:2]\n\
    ['architecture', 'device_name']\n"

#define DOC_EVAL \
"eval($module, /, *args)\n--\n\n\
Compute arrays: each argument is an array or a tree (dict, list, tuple) of them; other\n\
leaves are passed over. Control-C stops at the next step, and the same eval may be tried\n\
again.\n\
\n\
Args:\n\
    args: Arrays, or trees of them.\n\
\n\
Raises:\n\
    RuntimeError: an operation failed; what does not depend on it is computed\n\
    KeyboardInterrupt: Control-C was pressed\n\
\n\
Example:\n\
    >>> x = mx.arange(3) * 2\n\
    >>> mx.eval(x, {\"y\": [x + 1]})\n"

#define DOC_GET_ARRAY_BUFFER_SIZE \
"get_array_buffer_size($module, /, *args)\n--\n\n\
The bytes of the buffers that arrays, or trees of them, lie in, each counted once. They must\n\
have been evaluated; leaves that are no arrays are passed over.\n\
\n\
Args:\n\
    args: Arrays that were evaluated, or trees of them.\n\
\n\
Returns:\n\
    int: Bytes.\n\
\n\
Raises:\n\
    ValueError: an array was not evaluated\n\
\n\
Example:\n\
    >>> x = mx.zeros(100)\n\
    >>> mx.eval(x)\n\
    >>> mx.get_array_buffer_size(x, x.reshape(10, 10)) >= 400\n\
    True\n"

#define DOC_IS_AVAILABLE \
"is_available(device: Device | DeviceType) -> bool\n\
\n\
Can operations run on a device?\n\
\n\
Args:\n\
    device: A device, or a type of devices.\n\
\n\
Returns:\n\
    bool: Whether they can.\n\
\n\
Example:\n\
    >>> mx.is_available(mx.cpu)\n\
    True\n"

#define DOC_NEW_STREAM \
"new_stream(device: Device | DeviceType) -> Stream\n\
\n\
A new queue of a device.\n\
\n\
Args:\n\
    device: The device.\n\
\n\
Returns:\n\
    Stream: The queue.\n\
\n\
Raises:\n\
    ValueError: there is no such device\n\
\n\
Example:\n\
    >>> mx.add(1, 2, stream=mx.new_stream(mx.cpu))\n\
    array(3, dtype=int32)\n"

#define DOC_NEW_THREAD_LOCAL_STREAM \
"new_thread_local_stream(device: Device | DeviceType) -> ThreadLocalStream\n\
\n\
A new queue of a device, for a thread's own use.\n\
\n\
Args:\n\
    device: The device.\n\
\n\
Returns:\n\
    ThreadLocalStream: The queue.\n\
\n\
Raises:\n\
    ValueError: there is no such device\n\
\n\
Example:\n\
    >>> mx.add(1, 2, stream=mx.new_thread_local_stream(mx.cpu))\n\
    array(3, dtype=int32)\n"

#define DOC_NEW_THREAD_UNSAFE_STREAM \
"new_thread_unsafe_stream(device: Device | DeviceType) -> Stream\n\
\n\
A new queue of a device; any thread may use it.\n\
\n\
Args:\n\
    device: The device.\n\
\n\
Returns:\n\
    Stream: The queue.\n\
\n\
Raises:\n\
    ValueError: there is no such device\n\
\n\
Example:\n\
    >>> mx.add(1, 2, stream=mx.new_thread_unsafe_stream(mx.cpu))\n\
    array(3, dtype=int32)\n"

#define DOC_SET_DEFAULT_DEVICE \
"set_default_device(device: Device | DeviceType) -> None\n\
\n\
Set the device of operations that name none.\n\
\n\
Args:\n\
    device: A device, or a type of devices.\n\
\n\
Raises:\n\
    ValueError: there is no such device\n\
\n\
Example:\n\
    >>> mx.set_default_device(mx.cpu)\n"

#define DOC_SET_DEFAULT_STREAM \
"set_default_stream(stream: Stream) -> None\n\
\n\
Make a stream the default of its device, for the calling thread. Other threads have their own.\n\
\n\
Args:\n\
    stream: A stream of that device.\n\
\n\
Example:\n\
    >>> mx.set_default_stream(mx.default_stream(mx.cpu))\n"

#define DOC_STREAM \
"stream(s: Stream | ThreadLocalStream | Device | DeviceType) -> StreamContext\n\
\n\
A context in which s is the default of the thread that enters it.\n\
\n\
Args:\n\
    s: A stream, or a device: its default stream.\n\
\n\
Returns:\n\
    StreamContext: The context.\n\
\n\
Raises:\n\
    ValueError: when it is entered: there is no such device\n\
\n\
Example:\n\
    >>> with mx.stream(mx.cpu):\n\
    ...     print(mx.default_device())\n\
    Device(cpu, 0)\n"

#define DOC_SYNCHRONIZE \
"synchronize(stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> None\n\
\n\
Wait until all work on a stream is done.\n\
\n\
Args:\n\
    stream: A stream, or a device: its default stream; None: that of the default device.\n\
\n\
Raises:\n\
    ValueError: there is no such device\n\
\n\
Example:\n\
    >>> mx.synchronize()\n"

#define DOC_GROUP \
"A group of processes that compute together.\n\
\n\
Example:\n\
    >>> mx.distributed.init().size()\n\
    1\n"

#define DOC_INIT \
"init(strict: bool = False, backend: str = 'any', *, all_gather_factory: Callable[[int, int], \
Callable[[bytes, int], bytes]] | None = None) -> Group\n\
\n\
The group of all processes: a group of one where there is no way to others and strict is\n\
false.\n\
\n\
Args:\n\
    strict: Whether a group of one is an error.\n\
    backend: The way to others; 'any': the first that works.\n\
    all_gather_factory: How a backend without a launcher finds the others.\n\
\n\
Returns:\n\
    Group: The group.\n\
\n\
Raises:\n\
    RuntimeError: with strict: there is no way to others\n\
    ValueError: there is no such backend\n\
\n\
Example:\n\
    >>> mx.distributed.init().rank()\n\
    0\n"
// clang-format on

#endif
