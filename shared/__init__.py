"""What several services need; imports none of them."""

import sys

if sys.flags.optimize > 1:
    sys.exit("Greenroom does not run under `python -OO`, which takes away its error messages: use -O, or neither.")
