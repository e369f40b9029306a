"""The named tuples that functions with several results return; they are tuples in every other
respect."""

from collections import namedtuple

# of a ModelFile
FileTensor = namedtuple("FileTensor", "name storage shape dtype size nbytes offset part")
# of a profile
ProfileEvent = namedtuple(
    "ProfileEvent",
    "name source inputs outputs start_ns duration_ns self_ns bytes_read bytes_written flops "
    "active thread stream depth fused failed",
)
ProfileRow = namedtuple("ProfileRow", "name source calls self_ns bytes flops share")
EighResult = namedtuple("EighResult", "eigenvalues eigenvectors")
QRResult = namedtuple("QRResult", "Q R")
SVDResult = namedtuple("SVDResult", "U S Vh")
SlogdetResult = namedtuple("SlogdetResult", "sign logabsdet")
UniqueAllResult = namedtuple("UniqueAllResult", "values indices inverse_indices counts")
UniqueCountsResult = namedtuple("UniqueCountsResult", "values counts")
UniqueInverseResult = namedtuple("UniqueInverseResult", "values inverse_indices")
