"""Looking at events: which program shows one, what it is given, and the walk from one to the next.

`settings` is config/viewer.toml, `viewer` says how PlotJuggler is started, `clips` writes what it
is fed with, `layout` what it shows, `video` finds a segment's video, `server` the dashboard's page,
`opening` puts these together for one event, `child` runs programs, and `steps` is the walk.
"""
