"""What a worksheet can hold. Source: Microsoft, Excel specifications and limits."""

ROWS = 1_048_576
CHARACTERS = 32_767  # in a cell
SHEET_NAME = 31
