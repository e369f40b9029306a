"""What the functions of this namespace give, and an example of each, for _manual.py: blocks of

    name type: what it gives
    !Kind: when an error of this kind is raised

and then lines as Python's prompt shows them.
"""

EXAMPLES = """
asarray array: The elements; obj itself where nothing changes and copy is not True.
>>> xp.asarray([1, 2])
array([1, 2], dtype=int32)

arange array: The numbers.
>>> xp.arange(3)
array([0, 1, 2], dtype=int32)

empty array: Of the shape.
>>> xp.empty((2,))
array([0, 0], dtype=float32)

empty_like array: Of the shape of x.
>>> xp.empty_like(xp.asarray([1, 2]))
array([0, 0], dtype=int32)

eye array: The matrix.
>>> xp.eye(2)
array([[1, 0],
       [0, 1]], dtype=float32)

from_dlpack array: Over the same memory, or a copy.
>>> xp.from_dlpack(xp.asarray([1, 2]))
array([1, 2], dtype=int32)

full array: Of the shape.
>>> xp.full((2,), 7)
array([7, 7], dtype=int32)

full_like array: Of the shape of x.
>>> xp.full_like(xp.asarray([1, 2]), 7)
array([7, 7], dtype=int32)

linspace array: num numbers.
>>> xp.linspace(0, 1, 3)
array([0, 0.5, 1], dtype=float32)

meshgrid list[array]: One for each vector, all of one shape.
>>> [a.shape for a in xp.meshgrid(xp.asarray([1, 2]), xp.asarray([5]))]
[(1, 2), (1, 2)]

ones array: Of the shape.
>>> xp.ones((2,))
array([1, 1], dtype=float32)

ones_like array: Of the shape of x.
>>> xp.ones_like(xp.asarray([5, 6]))
array([1, 1], dtype=int32)

tril array: Of the shape of x.
>>> xp.tril(xp.asarray([[1, 2], [3, 4]]))
array([[1, 0],
       [3, 4]], dtype=int32)

triu array: Of the shape of x.
>>> xp.triu(xp.asarray([[1, 2], [3, 4]]))
array([[1, 2],
       [0, 4]], dtype=int32)

zeros array: Of the shape.
>>> xp.zeros((2,))
array([0, 0], dtype=float32)

zeros_like array: Of the shape of x.
>>> xp.zeros_like(xp.asarray([5, 6]))
array([0, 0], dtype=int32)

astype array: Of the shape of x, in dtype.
>>> xp.astype(xp.asarray([1.5, 2.5]), xp.int32)
array([1, 2], dtype=int32)

can_cast bool: Whether it does.
>>> xp.can_cast(xp.int8, xp.int32)
True

finfo finfo: bits, eps, max, min, smallest_normal and dtype.
>>> xp.finfo(xp.float32).bits
32

iinfo iinfo: bits, max, min and dtype.
>>> xp.iinfo(xp.int8).max
127

isdtype bool: Whether it is.
!ValueError: A kind that there is not.
>>> xp.isdtype(xp.int8, "integral")
True

result_type Dtype: The dtype that all are promoted to.
>>> xp.result_type(xp.int8, xp.float32)
mlx.core.float32

broadcast_arrays list[array]: One for each, all of one shape.
>>> [a.shape for a in xp.broadcast_arrays(xp.asarray([1]), xp.asarray([2, 3]))]
[(2,), (2,)]

broadcast_to array: Of the shape.
>>> xp.broadcast_to(xp.asarray([7]), (3,))
array([7, 7, 7], dtype=int32)

concat array: In the dtype that all are promoted to.
>>> xp.concat([xp.asarray([1]), xp.asarray([2, 3])])
array([1, 2, 3], dtype=int32)

expand_dims array: With one axis more.
>>> xp.expand_dims(xp.asarray([1, 2]), 0)
array([[1, 2]], dtype=int32)

flip array: Of the shape of x.
>>> xp.flip(xp.asarray([1, 2, 3]))
array([3, 2, 1], dtype=int32)

moveaxis array: The same elements, of another shape.
>>> xp.moveaxis(xp.zeros((2, 3, 4)), 0, -1).shape
(3, 4, 2)

permute_dims array: The same elements, of another shape.
>>> xp.permute_dims(xp.asarray([[1, 2]]), (1, 0)).shape
(2, 1)

repeat array: The elements, flattened without an axis.
>>> xp.repeat(xp.asarray([1, 2]), 2)
array([1, 1, 2, 2], dtype=int32)

reshape array: Of the shape.
>>> xp.reshape(xp.asarray([1, 2, 3, 4]), (2, 2)).shape
(2, 2)

roll array: Of the shape of x.
>>> xp.roll(xp.asarray([1, 2, 3]), 1)
array([3, 1, 2], dtype=int32)

squeeze array: Without the axes.
>>> xp.squeeze(xp.asarray([[1, 2]]), 0)
array([1, 2], dtype=int32)

stack array: With one axis more.
>>> xp.stack([xp.asarray([1]), xp.asarray([2])]).shape
(2, 1)

tile array: The repeated array.
>>> xp.tile(xp.asarray([1, 2]), (2,))
array([1, 2, 1, 2], dtype=int32)

unstack tuple[array, ...]: As many as the size of the axis.
>>> xp.unstack(xp.asarray([1, 2]))
(array(1, dtype=int32), array(2, dtype=int32))

argmax array: Indices, int64.
>>> xp.argmax(xp.asarray([1, 3, 2]))
array(1, dtype=int64)

argmin array: Indices, int64.
>>> xp.argmin(xp.asarray([1, 3, 2]))
array(0, dtype=int64)

argsort array: Indices, int64, of the shape of x.
>>> xp.argsort(xp.asarray([3, 1, 2]))
array([1, 2, 0], dtype=int64)

sort array: Of the shape of x.
>>> xp.sort(xp.asarray([3, 1, 2]))
array([1, 2, 3], dtype=int32)

count_nonzero array: Counts, int64.
>>> xp.count_nonzero(xp.asarray([1, 0, 2]))
array(2, dtype=int64)

nonzero tuple[array, ...]: Indices, int64.
>>> xp.nonzero(xp.asarray([1, 0, 2]))
(array([0, 2], dtype=int64),)

searchsorted array: Places, int64, of the shape of x2.
>>> xp.searchsorted(xp.asarray([1, 3, 5]), xp.asarray([2, 4]))
array([1, 2], dtype=int64)

take array: The slabs, along the axis.
!ValueError: No axis, of an array of several dimensions.
>>> xp.take(xp.asarray([5, 6, 7]), xp.asarray([2, 0]))
array([7, 5], dtype=int32)

take_along_axis array: Of the shape of indices.
>>> xp.take_along_axis(xp.asarray([5, 6, 7]), xp.asarray([2, 0]))
array([7, 5], dtype=int32)

where array: In the shape that the three broadcast to.
>>> xp.where(xp.asarray([True, False]), 1, 2)
array([1, 2], dtype=int32)

unique_all UniqueAllResult: values, indices, inverse_indices and counts.
>>> xp.unique_all(xp.asarray([3, 1, 3])).counts
array([1, 2], dtype=int64)

unique_counts UniqueCountsResult: values and counts.
>>> xp.unique_counts(xp.asarray([3, 1, 3])).counts
array([1, 2], dtype=int64)

unique_inverse UniqueInverseResult: values and inverse_indices.
>>> xp.unique_inverse(xp.asarray([3, 1, 3])).inverse_indices
array([1, 0, 1], dtype=int64)

unique_values array: The values, ascending.
>>> xp.unique_values(xp.asarray([3, 1, 3]))
array([1, 3], dtype=int32)

all array: bool.
>>> xp.all(xp.asarray([1, 0]))
array(False, dtype=bool)

any array: bool.
>>> xp.any(xp.asarray([1, 0]))
array(True, dtype=bool)

max array: In the dtype of x.
>>> xp.max(xp.asarray([1, 3, 2]))
array(3, dtype=int32)

min array: In the dtype of x.
>>> xp.min(xp.asarray([1, 3, 2]))
array(1, dtype=int32)

mean array: In the dtype of x.
>>> xp.mean(xp.asarray([1.0, 2.0]))
array(1.5, dtype=float32)

sum array: The sums.
>>> xp.sum(xp.asarray([1, 2, 3]))
array(6, dtype=int32)

prod array: The products.
>>> xp.prod(xp.asarray([1, 2, 3]))
array(6, dtype=int32)

var array: In the dtype of x.
>>> xp.var(xp.asarray([1.0, 3.0]))
array(1, dtype=float32)

std array: In the dtype of x.
>>> xp.std(xp.asarray([1.0, 3.0]))
array(1, dtype=float32)

cumulative_sum array: One more along the axis if include_initial.
!ValueError: No axis, of an array of several dimensions.
>>> xp.cumulative_sum(xp.asarray([1, 2, 3]))
array([1, 3, 6], dtype=int32)

cumulative_prod array: One more along the axis if include_initial.
!ValueError: No axis, of an array of several dimensions.
>>> xp.cumulative_prod(xp.asarray([1, 2, 3]))
array([1, 2, 6], dtype=int32)

diff array: n less along the axis, but for what is put before and after.
>>> xp.diff(xp.asarray([1, 4, 9]))
array([3, 5], dtype=int32)

abs array: Of the shape of x; of complex numbers float32.
>>> xp.abs(xp.asarray([-1, 2]))
array([1, 2], dtype=int32)

positive array: Of the shape and dtype of x.
>>> xp.positive(xp.asarray([-1, 2]))
array([-1, 2], dtype=int32)

expm1 array: Of the shape and dtype of x.
>>> xp.expm1(xp.asarray([0.0, 1.0]))
array([0, 1.71828], dtype=float32)

floor_divide array: In the dtype that both are promoted to.
>>> xp.floor_divide(xp.asarray([7, -7]), 2)
array([3, -4], dtype=int32)

sign array: Of the shape and dtype of x.
>>> xp.sign(xp.asarray([-2, 0, 3]))
array([-1, 0, 1], dtype=int32)

tanh array: Of the shape and dtype of x.
>>> xp.tanh(xp.asarray([0.0, 1.0]))
array([0, 0.761594], dtype=float32)

clip array: Of the shape and dtype of x.
>>> xp.clip(xp.asarray([-2, 0, 5]), -1, 3)
array([-1, 0, 3], dtype=int32)

__array_namespace_info__ object: With capabilities(), default_dtypes(), devices() and dtypes().
>>> info = xp.__array_namespace_info__()
>>> info.capabilities()["max dimensions"]
64

cholesky array: The triangles.
>>> xp.linalg.cholesky(xp.asarray([[4.0, 0.0], [0.0, 9.0]]))[1, 1]
array(3, dtype=float32)

cross array: The products.
!ValueError: Vectors of another number of elements than 3.
>>> xp.linalg.cross(xp.asarray([1, 0, 0]), xp.asarray([0, 1, 0]))
array([0, 0, 1], dtype=int32)

det array: One for each matrix.
>>> xp.linalg.det(xp.asarray([[2.0, 0.0], [0.0, 3.0]]))
array(6, dtype=float32)

diagonal array: Along a last axis.
>>> xp.linalg.diagonal(xp.asarray([[1, 2], [3, 4]]))
array([1, 4], dtype=int32)

eigh tuple: eigenvalues and eigenvectors.
>>> xp.linalg.eigh(xp.asarray([[2.0, 0.0], [0.0, 3.0]])).eigenvalues
array([2, 3], dtype=float32)

eigvalsh array: The eigenvalues.
>>> xp.linalg.eigvalsh(xp.asarray([[2.0, 0.0], [0.0, 3.0]]))
array([2, 3], dtype=float32)

inv array: Of the shape of x.
>>> xp.linalg.inv(xp.asarray([[2.0, 0.0], [0.0, 4.0]]))[1]
array([0, 0.25], dtype=float32)

matmul array: The products.
>>> xp.matmul(xp.asarray([[1, 2]]), xp.asarray([3, 4]))
array([11], dtype=int32)

matrix_norm array: One for each matrix.
>>> xp.linalg.matrix_norm(xp.asarray([[3.0, 0.0], [0.0, 4.0]]))
array(5, dtype=float32)

matrix_power array: Of the shape of x.
>>> xp.linalg.matrix_power(xp.asarray([[2.0, 0.0], [0.0, 3.0]]), 2)[1]
array([0, 9], dtype=float32)

matrix_rank array: The ranks.
>>> int(xp.linalg.matrix_rank(xp.asarray([[1.0, 0.0], [0.0, 0.0]])))
1

matrix_transpose array: The same elements, of another shape.
>>> xp.matrix_transpose(xp.zeros((2, 3))).shape
(3, 2)

outer array: A matrix.
>>> xp.linalg.outer(xp.asarray([1, 2]), xp.asarray([3]))[1]
array([6], dtype=int32)

pinv array: The inverses.
>>> xp.linalg.pinv(xp.asarray([[2.0], [0.0]]))
array([[0.5, 0]], dtype=float32)

qr tuple: Q and R.
>>> xp.linalg.qr(xp.asarray([[2.0, 0.0], [0.0, 3.0]])).R.shape
(2, 2)

slogdet tuple: sign and logabsdet.
>>> xp.linalg.slogdet(xp.asarray([[-1.0]])).sign
array(-1, dtype=float32)

solve array: Of the shape of x2.
>>> xp.linalg.solve(xp.asarray([[2.0, 0.0], [0.0, 4.0]]), xp.asarray([2.0, 8.0]))
array([1, 2], dtype=float32)

svd tuple: U, S and Vh.
>>> xp.linalg.svd(xp.asarray([[2.0, 0.0], [0.0, 3.0]])).S
array([3, 2], dtype=float32)

svdvals array: The values.
>>> xp.linalg.svdvals(xp.asarray([[2.0, 0.0], [0.0, 3.0]]))
array([3, 2], dtype=float32)

tensordot array: Over the axes that are left.
>>> xp.tensordot(xp.asarray([1, 2]), xp.asarray([3, 4]), axes=1)
array(11, dtype=int32)

trace array: One for each matrix.
>>> xp.linalg.trace(xp.asarray([[1, 2], [3, 4]]))
array(5, dtype=int32)

vecdot array: Without the axis.
>>> xp.vecdot(xp.asarray([1, 2]), xp.asarray([3, 4]))
array(11, dtype=int32)

vector_norm array: Without the axes.
>>> xp.linalg.vector_norm(xp.asarray([3.0, 4.0]))
array(5, dtype=float32)

fftfreq array: n frequencies.
>>> xp.fft.fftfreq(4)
array([0, 0.25, -0.5, -0.25], dtype=float32)

rfftfreq array: n // 2 + 1 frequencies.
>>> xp.fft.rfftfreq(4)
array([0, 0.25, 0.5], dtype=float32)

fftshift array: Of the shape of x.
>>> xp.fft.fftshift(xp.asarray([0, 1, 2, 3]))
array([2, 3, 0, 1], dtype=int32)

ifftshift array: Of the shape of x.
>>> xp.fft.ifftshift(xp.asarray([0, 1, 2, 3]))
array([2, 3, 0, 1], dtype=int32)

fft array: complex64.
>>> xp.fft.fft(xp.asarray([1.0 + 0j, 2.0]))
array([3+0j, -1+0j], dtype=complex64)

ifft array: complex64.
>>> xp.fft.ifft(xp.asarray([3.0 + 0j, -1.0]))
array([1+0j, 2+0j], dtype=complex64)

rfft array: complex64, n // 2 + 1 along the axis.
>>> xp.fft.rfft(xp.asarray([1.0, 2.0]))
array([3+0j, -1+0j], dtype=complex64)

irfft array: Real, n along the axis.
>>> xp.fft.irfft(xp.asarray([3.0 + 0j, -1.0]))
array([1, 2], dtype=float32)

hfft array: Real, n along the axis.
>>> xp.fft.hfft(xp.asarray([3.0 + 0j, -1.0]))
array([2, 4], dtype=float32)

ihfft array: complex64, n // 2 + 1 along the axis.
>>> xp.fft.ihfft(xp.asarray([1.0, 2.0]))
array([1.5-0j, -0.5-0j], dtype=complex64)

fftn array: complex64.
>>> xp.fft.fftn(xp.asarray([[1.0 + 0j, 2.0]]))
array([[3+0j, -1+0j]], dtype=complex64)

ifftn array: complex64.
>>> xp.fft.ifftn(xp.asarray([[3.0 + 0j, -1.0]]))
array([[1+0j, 2+0j]], dtype=complex64)

rfftn array: complex64.
>>> xp.fft.rfftn(xp.asarray([[1.0, 2.0]]))
array([[3+0j, -1+0j]], dtype=complex64)

irfftn array: Real.
>>> xp.fft.irfftn(xp.asarray([[3.0 + 0j, -1.0]]))
array([[1, 2]], dtype=float32)

acos array: Of the shape of x.
>>> xp.acos(xp.asarray([0.0, 1.0]))
array([1.5708, 0], dtype=float32)

acosh array: Of the shape of x.
>>> xp.acosh(xp.asarray([1.0, 2.0]))
array([0, 1.31696], dtype=float32)

asin array: Of the shape of x.
>>> xp.asin(xp.asarray([0.0, 1.0]))
array([0, 1.5708], dtype=float32)

asinh array: Of the shape of x.
>>> xp.asinh(xp.asarray([0.0, 1.0]))
array([0, 0.881374], dtype=float32)

atan array: Of the shape of x.
>>> xp.atan(xp.asarray([0.0, 1.0]))
array([0, 0.785398], dtype=float32)

atanh array: Of the shape of x.
>>> xp.atanh(xp.asarray([0.0, 0.5]))
array([0, 0.549306], dtype=float32)

bitwise_invert array: Of the shape of x.
>>> xp.bitwise_invert(xp.asarray([1, 2]))
array([-2, -3], dtype=int32)

conj array: Of the shape of x.
>>> xp.conj(xp.asarray([1.0 + 2j]))
array([1-2j], dtype=complex64)

cos array: Of the shape of x.
>>> xp.cos(xp.asarray([0.0, 1.0]))
array([1, 0.540302], dtype=float32)

cosh array: Of the shape of x.
>>> xp.cosh(xp.asarray([0.0, 1.0]))
array([1, 1.54308], dtype=float32)

exp array: Of the shape of x.
>>> xp.exp(xp.asarray([0.0, 1.0]))
array([1, 2.71828], dtype=float32)

imag array: Of the shape of x.
>>> xp.imag(xp.asarray([1.0 + 2j]))
array([2], dtype=float32)

isfinite array: bool, of the shape of x.
>>> xp.isfinite(xp.asarray([1.0, xp.inf]))
array([True, False], dtype=bool)

isinf array: bool, of the shape of x.
>>> xp.isinf(xp.asarray([1.0, xp.inf]))
array([False, True], dtype=bool)

isnan array: bool, of the shape of x.
>>> xp.isnan(xp.asarray([1.0, xp.nan]))
array([False, True], dtype=bool)

log array: Of the shape of x.
>>> xp.log(xp.asarray([1.0, xp.e]))
array([0, 1], dtype=float32)

log10 array: Of the shape of x.
>>> xp.log10(xp.asarray([1.0, 100.0]))
array([0, 2], dtype=float32)

log1p array: Of the shape of x.
>>> xp.log1p(xp.asarray([0.0, 1.0]))
array([0, 0.693147], dtype=float32)

log2 array: Of the shape of x.
>>> xp.log2(xp.asarray([1.0, 8.0]))
array([0, 3], dtype=float32)

logical_not array: bool, of the shape of x.
>>> xp.logical_not(xp.asarray([True, False]))
array([False, True], dtype=bool)

negative array: Of the shape of x.
>>> xp.negative(xp.asarray([1, -2]))
array([-1, 2], dtype=int32)

real array: Of the shape of x.
>>> xp.real(xp.asarray([1.0 + 2j]))
array([1], dtype=float32)

reciprocal array: Of the shape of x.
>>> xp.reciprocal(xp.asarray([2.0, 4.0]))
array([0.5, 0.25], dtype=float32)

signbit array: bool, of the shape of x.
>>> xp.signbit(xp.asarray([-0.0, 2.0]))
array([True, False], dtype=bool)

sin array: Of the shape of x.
>>> xp.sin(xp.asarray([0.0, 1.0]))
array([0, 0.841471], dtype=float32)

sinh array: Of the shape of x.
>>> xp.sinh(xp.asarray([0.0, 1.0]))
array([0, 1.1752], dtype=float32)

square array: Of the shape of x.
>>> xp.square(xp.asarray([2, 3]))
array([4, 9], dtype=int32)

sqrt array: Of the shape of x.
>>> xp.sqrt(xp.asarray([4.0, 9.0]))
array([2, 3], dtype=float32)

tan array: Of the shape of x.
>>> xp.tan(xp.asarray([0.0, 1.0]))
array([0, 1.55741], dtype=float32)

ceil array: Of the shape of x.
>>> xp.ceil(xp.asarray([-1.5, 2.5]))
array([-1, 3], dtype=float32)

floor array: Of the shape of x.
>>> xp.floor(xp.asarray([-1.5, 2.5]))
array([-2, 2], dtype=float32)

round array: Of the shape of x.
>>> xp.round(xp.asarray([-1.5, 2.5]))
array([-2, 2], dtype=float32)

trunc array: Of the shape of x.
>>> xp.trunc(xp.asarray([-1.5, 2.5]))
array([-1, 2], dtype=float32)

add array: In the shape and dtype of both together.
>>> xp.add(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([3, 8], dtype=int32)

atan2 array: In the shape and dtype of both together.
>>> xp.atan2(xp.asarray([0.0, 1.0]), xp.asarray([1.0, 1.0]))
array([0, 0.785398], dtype=float32)

bitwise_and array: In the shape and dtype of both together.
>>> xp.bitwise_and(xp.asarray([6, 5]), xp.asarray([3, 1]))
array([2, 1], dtype=int32)

bitwise_left_shift array: In the shape and dtype of both together.
>>> xp.bitwise_left_shift(xp.asarray([6, 5]), xp.asarray([3, 1]))
array([48, 10], dtype=int32)

bitwise_or array: In the shape and dtype of both together.
>>> xp.bitwise_or(xp.asarray([6, 5]), xp.asarray([3, 1]))
array([7, 5], dtype=int32)

bitwise_right_shift array: In the shape and dtype of both together.
>>> xp.bitwise_right_shift(xp.asarray([6, 5]), xp.asarray([3, 1]))
array([0, 2], dtype=int32)

bitwise_xor array: In the shape and dtype of both together.
>>> xp.bitwise_xor(xp.asarray([6, 5]), xp.asarray([3, 1]))
array([5, 4], dtype=int32)

copysign array: In the shape and dtype of both together.
>>> xp.copysign(xp.asarray([1.0, 2.0]), xp.asarray([-1.0, 1.0]))
array([-1, 2], dtype=float32)

divide array: In the shape and dtype of both together.
>>> xp.divide(xp.asarray([1.0, 3.0]), xp.asarray([2.0, 2.0]))
array([0.5, 1.5], dtype=float32)

equal array: bool, in the shape that both broadcast to.
>>> xp.equal(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([False, False], dtype=bool)

greater array: bool, in the shape that both broadcast to.
>>> xp.greater(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([False, True], dtype=bool)

greater_equal array: bool, in the shape that both broadcast to.
>>> xp.greater_equal(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([False, True], dtype=bool)

hypot array: In the shape and dtype of both together.
>>> xp.hypot(xp.asarray([3.0]), xp.asarray([4.0]))
array([5], dtype=float32)

less array: bool, in the shape that both broadcast to.
>>> xp.less(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([True, False], dtype=bool)

less_equal array: bool, in the shape that both broadcast to.
>>> xp.less_equal(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([True, False], dtype=bool)

logaddexp array: In the shape and dtype of both together.
>>> xp.logaddexp(xp.asarray([0.0, 1.0]), xp.asarray([0.0, 1.0]))
array([0.693147, 1.69315], dtype=float32)

logical_and array: bool, in the shape that both broadcast to.
>>> a, b = xp.asarray([True, False]), xp.asarray([True, True])
>>> xp.logical_and(a, b)
array([True, False], dtype=bool)

logical_or array: bool, in the shape that both broadcast to.
>>> a, b = xp.asarray([True, False]), xp.asarray([True, True])
>>> xp.logical_or(a, b)
array([True, True], dtype=bool)

logical_xor array: bool, in the shape that both broadcast to.
>>> a, b = xp.asarray([True, False]), xp.asarray([True, True])
>>> xp.logical_xor(a, b)
array([False, True], dtype=bool)

maximum array: In the shape and dtype of both together.
>>> xp.maximum(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([2, 5], dtype=int32)

minimum array: In the shape and dtype of both together.
>>> xp.minimum(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([1, 3], dtype=int32)

multiply array: In the shape and dtype of both together.
>>> xp.multiply(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([2, 15], dtype=int32)

nextafter array: In the shape and dtype of both together.
>>> xp.nextafter(xp.asarray([1.0]), xp.asarray([2.0]))
array([1], dtype=float32)

not_equal array: bool, in the shape that both broadcast to.
>>> xp.not_equal(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([True, True], dtype=bool)

pow array: In the shape and dtype of both together.
>>> xp.pow(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([1, 125], dtype=int32)

remainder array: In the shape and dtype of both together.
>>> xp.remainder(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([1, 2], dtype=int32)

subtract array: In the shape and dtype of both together.
>>> xp.subtract(xp.asarray([1, 5]), xp.asarray([2, 3]))
array([-1, 2], dtype=int32)
"""
