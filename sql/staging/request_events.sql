-- Events by which openpilot asks for the driver's hand or foot, and the answer to each.
--
-- grain:   one row per name
-- null:    side where the answer has none
-- why:     answer is named as the override that it is: nudge, nag_answer or resume
create or replace view staging.request_events as
with

final as (
    select events.*
    from (
        values
        ('preLaneChangeLeft', 'nudge', 'left'),
        ('preLaneChangeRight', 'nudge', 'right'),
        ('preDriverUnresponsive', 'nag_answer', null),
        ('promptDriverUnresponsive', 'nag_answer', null),
        ('driverUnresponsive', 'nag_answer', null),
        ('driverUnresponsive1', 'nag_answer', null),
        ('driverUnresponsive2', 'nag_answer', null),
        ('driverUnresponsive3', 'nag_answer', null),
        ('resumeRequired', 'resume', null)
    ) as events (name, answer, side)
)

select * from final;
