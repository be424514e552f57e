"""The format `table`: one message a row, in CSV, TSV, JSONL or Parquet, with columns that a mapping names."""
