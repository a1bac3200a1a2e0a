"""`python -m bench`: ratios measured side by side on simulated full-size logs.

`corpus` makes the logs, `measured` is the process that a measurement runs in, `runs` starts it and
watches its memory, `plain` is the message-by-message reader that the decoder is compared with. One
module a section of the output: `walltime`, `decoding`, `growth`, `recomputing`, `stages`.
`two_groups` needs no logs: it simulates drives as counts, which `drawing` draws.
"""
