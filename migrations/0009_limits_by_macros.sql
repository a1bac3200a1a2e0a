-- Limits of counts are macros, which need no table.
drop table store.confidence_limit;
