"""What the namespace says of itself."""

from mlx._array_namespace import ArrayNamespaceInfo

from ._dtypes import INDEX


class _Info(ArrayNamespaceInfo):
    def default_dtypes(self, *, device=None):
        """The dtypes of arrays made of Python's numbers, and of indices."""
        return {**super().default_dtypes(device=device), "indexing": INDEX}


def __array_namespace_info__():
    """Capabilities, devices and dtypes."""
    return _Info()
