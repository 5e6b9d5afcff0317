"""`python -u -m local.lambda_runtime MODULE.HANDLER`: run the invocations of a function, one after the other."""

import os
import sys

from local.lambda_runtime.loop import run

if __name__ == "__main__":
    run(sys.argv[1], os.environ["AWS_LAMBDA_RUNTIME_API"])
