"""The ledger as Parquet, block by block; needs the extra `parquet`."""

from pathlib import Path

from contracts.files import written_whole
from inference.ledger import COLUMNS, LedgerError

NUMBERS = {"confidence", "seconds"}


def write_parquet(path: Path) -> Path:
    """Write a ledger in CSV as Parquet beside it.

    Raises LedgerError where PyArrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import csv, parquet
    except ImportError as error:
        raise LedgerError(
            "Parquet needs PyArrow: pip install 'image-classification-workflow[parquet]'. ledger.csv has been written."
        ) from error
    types = {name: pyarrow.float64() if name in NUMBERS else pyarrow.string() for name in COLUMNS}
    # Only an empty field is null; by default PyArrow also reads keys and labels such as "NA" and "null" so.
    options = csv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    parsing = csv.ParseOptions(newlines_in_values=True)
    target = path.with_suffix(".parquet")
    with (
        csv.open_csv(path, parse_options=parsing, convert_options=options) as blocks,
        written_whole(target) as part,
        parquet.ParquetWriter(part, blocks.schema) as file,
    ):
        for block in blocks:
            file.write_batch(block)
    return target
