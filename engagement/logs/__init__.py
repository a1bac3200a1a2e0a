"""From the bytes of a log to columns of its messages.

`find` names the files, `codec` decompresses, `framing` splits the stream into messages, `log`
follows their pointers, `columns` gathers the fields of all messages of a type at once by the
offsets that `schema` takes from schemas/; `writer` and `template` write logs. Nothing here knows
what a table is.
"""
