-- Segments that begin more than a second before an earlier one of their drive ended.
-- level: warn
select
    drive_id,
    dongle_id,
    drive,
    segment_num,
    (earlier_end_mono_ns - start_mono_ns) / 1e9 as overlap_s
from (
    select
        *,
        max(end_mono_ns) over (
            partition by drive_id
            order by segment_num
            rows between unbounded preceding and 1 preceding
        ) as earlier_end_mono_ns
    from segments
    where status <> 'failed'
) as readable
where start_mono_ns < earlier_end_mono_ns - 1000000000;
