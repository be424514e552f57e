"""Rules: expressions over the columns of a business, with a published grammar (grammar.lark). A pure library.

`check` reads an expression against a schema; `evaluate` says for each row whether it holds. See docs/rules.md.
"""
