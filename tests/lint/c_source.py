"""Reading C as text, for tests that hold sources against tables."""


def call_end(text, at):
    """Behind the parenthesis that ends the call whose arguments begin at `at`."""
    depth, quoted = 1, False
    while depth:
        c = text[at]
        if quoted:
            at += c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "()":
            depth += 1 if c == "(" else -1
        at += 1
    return at
