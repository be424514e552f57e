"""Reads tokens one after another."""

from services.enricher.discovery.sql.lexer import Kind, Token
from services.enricher.discovery.sql.schema import Name, Sql, name_of


class NotUnderstood(Exception):
    """A statement or a part of it that was not read. The message is the reason, one sentence without its stop."""

    def __init__(self, reason: str, tokens: tuple[Token, ...] = ()) -> None:
        super().__init__(reason)
        self.tokens = tokens


class Cursor:
    """A position in some tokens of a text."""

    def __init__(self, text: str, tokens: tuple[Token, ...], dialect: str) -> None:
        self.text = text
        self.tokens = tokens
        self.dialect = dialect
        self.at = 0

    @property
    def more(self) -> bool:
        """True if tokens are left."""
        return self.at < len(self.tokens)

    def peek(self, ahead: int = 0) -> Token | None:
        """A token that is not taken yet."""
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    def follows(self, *phrase: str) -> bool:
        """True if these keywords follow; `A|B` stands for either."""
        following = self.tokens[self.at : self.at + len(phrase)]
        return len(following) == len(phrase) and all(
            token.is_word(*word.split("|")) for token, word in zip(following, phrase, strict=True)
        )

    def take(self, *phrase: str) -> bool:
        """Take these keywords if they follow."""
        if not self.follows(*phrase):
            return False
        self.at += len(phrase)
        return True

    def mark(self, text: str) -> bool:
        """Take a mark such as `(` if it follows."""
        token = self.peek()
        if token is None or token.kind is not Kind.MARK or token.text != text:
            return False
        self.at += 1
        return True

    def next(self) -> Token:
        """The next token. Raises NotUnderstood."""
        token = self.peek()
        if token is None:
            raise NotUnderstood("it ends too early")
        self.at += 1
        return token

    def name(self) -> Name:
        """Take a name. Raises NotUnderstood."""
        token = self.next()
        if token.kind not in (Kind.WORD, Kind.NAME) and not (token.kind is Kind.TEXT and self.dialect == "sqlite"):
            raise NotUnderstood(f"a name was expected where {token.text!r} stands", (token,))
        return name_of(token, self.dialect)

    def qualified(self) -> tuple[str, Name]:
        """Take a name that may have its schema before it: (schema, name). Raises NotUnderstood."""
        names = [self.name()]
        while self.mark("."):
            names.append(self.name())
        return (names[-2].key if len(names) > 1 else ""), names[-1]

    def group(self) -> "Cursor | None":
        """Take what stands in parentheses, if they follow. Raises NotUnderstood."""
        if not self.mark("("):
            return None
        first, depth = self.at, 1
        while depth:
            token = self.next()
            if token.kind is Kind.MARK and token.text in "()":
                depth += 1 if token.text == "(" else -1
        return Cursor(self.text, self.tokens[first : self.at - 1], self.dialect)

    def items(self) -> list["Cursor"]:
        """All that is left, cut at its commas outside of parentheses."""
        found, first, depth = [], self.at, 0
        for at in range(self.at, len(self.tokens)):
            token = self.tokens[at]
            if token.kind is not Kind.MARK:
                continue
            if token.text in "([":
                depth += 1
            elif token.text in ")]":
                depth -= 1
            elif token.text == "," and depth == 0:
                found.append(Cursor(self.text, self.tokens[first:at], self.dialect))
                first = at + 1
        self.at = len(self.tokens)
        found.append(Cursor(self.text, self.tokens[first:], self.dialect))
        return [item for item in found if item.tokens]

    def sql(self, first: int = 0, last: int | None = None) -> Sql:
        """The source of its tokens `first` to `last`, excluding the last."""
        some = self.tokens[first:last]
        if not some:
            raise NotUnderstood("an expression is missing")
        return Sql(self.text[some[0].start : some[-1].end], some[0].start)
