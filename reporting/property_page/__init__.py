"""One property on one page: the record card and the comparables grid."""
