-- Parameters as one row, times in nanoseconds.
--
-- grain:   one row
-- reads:   result.thresholds
-- null:    a parameter that the database lacks is null, and so is what depends on it
create or replace view staging.thresholds as
with

final as (
    select * from result.thresholds
)

select * from final;
