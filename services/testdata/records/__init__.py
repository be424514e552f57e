"""Records that obey a domain: tables of columns, the values of fields, and formats."""
