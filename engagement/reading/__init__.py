"""Any field of a log as an Arrow column, past the database: `engagement.read_log`.

`field_names` is what a field may be called, `field_columns` its values in one log, `time_grid`
puts services of different rates side by side, `log_reader` does it for the logs of a drive.
"""
