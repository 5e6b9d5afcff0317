import pytest

from inference.serverless import limits_for


@pytest.mark.parametrize(
    ("most", "size", "children"),
    [(1, 1, 1), (5, 5, 1), (40, 40, 1), (41, 40, 1), (79, 40, 1), (80, 40, 2), (200, 40, 5)],
)
def test_no_more_images_run_at_once_than_the_endpoint_takes(most: int, size: int, children: int) -> None:
    assert limits_for(most) == {"batch_size": size, "max_concurrency": children}
    assert size * children <= most
