from pathlib import Path

import pytest

from inference.batch import Batch, BatchError, require_account
from inference.ledger import Account


def test_images_that_failed_are_an_error_that_says_how_to_run_them_again() -> None:
    account = Account(listed=5, accepted=2, review=1, rejected=1, failed=1, missing=0, duplicates=0, unexpected=0)
    with pytest.raises(BatchError, match=r"1 of 5 images failed.*`workflow batch --redrive b-1`"):
        require_account(Batch("b-1", Path(), account, {"EndpointNotFound": 1, "InvalidImage": 1}, [], None))


def test_images_that_were_rejected_are_no_error() -> None:
    account = Account(listed=4, accepted=2, review=1, rejected=1, failed=0, missing=0, duplicates=0, unexpected=0)
    require_account(Batch("b-1", Path(), account, {"InvalidImage": 1}, [], None))
