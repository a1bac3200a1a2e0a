-- Limits behind the 95 % intervals of rates, which SQL has no functions for.

-- Of a count n: the exact limits of its Poisson mean, and how many standard errors Student's t
-- with n degrees of freedom reaches to each side (null for 0).
create table confidence_limit (
    n integer not null,
    poisson_lower double not null,
    poisson_upper double not null,
    t_quantile double
);
