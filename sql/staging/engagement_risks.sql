-- Engagements of each group of drives, and how many last as long or longer.
--
-- grain:   one row for an engagement in a group
-- null:    never
-- why:     an engagement that ends with the drive, with the log or in a gap would have gone on for
--          nobody knows how long: it is censored; one whose start is not known is left out. Ends at
--          one duration are taken one after the other, which comes to the same at the last of them
create or replace view staging.engagement_risks as
with

ordered as (
    select
        drive_id,
        duration_s,
        (end_kind = 'disengagement') as is_end,
        dense_rank() over (order by duration_s, end_kind <> 'disengagement')::integer as length_num
    from result.engagements
    where mode = 'engaged' and start_kind <> 'unknown'
),

final as (
    select
        drive_groups.grouped_by,
        drive_groups.group_name,
        ordered.drive_id,
        ordered.duration_s,
        ordered.is_end,
        row_number() over from_longest as n_at_risk,
        rank() over from_longest as n_at_risk_of_last,
        count(*) over (from_longest range between current row and current row) as n_equal
    from main.drive_groups
    inner join ordered on drive_groups.drive_id = ordered.drive_id
    window
        from_longest as (
            partition by drive_groups.grouped_by, drive_groups.group_name
            order by ordered.length_num desc
        )
)

select * from final;
