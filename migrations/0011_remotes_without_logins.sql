-- Of the address of a repository host and path, and how it is reached, as the program stores it from
-- now on; null where it can't be told which these are.

update log.init_data
set git_remote = regexp_replace(trim(git_remote, ' ' || chr(9) || chr(10) || chr(13)), '[?#][^@]*$', '')
where git_remote is not null;

-- What the first two alternatives don't match is matched by the last one, which keeps nothing.
update log.init_data
set
    git_remote = nullif(
        regexp_replace(
            git_remote,
            '^(?:(?:'
            || '((?:https?|ssh|git|git\+ssh|ftps?|rsync):/+)(?:[^/]*@)?([\w.-]{1,253}(?::[0-9]+)?)'
            || '|(?:(git@)|[^/]*@)?([\w.-]*(?::/?[\w.~+-][\w.~+/-]*)?)'
            || ')(/[\w.~+/-]*)?|(?s:.*))$',
            '\1\2\3\4\5',
            'i'
        ),
        ''
    )
where git_remote is not null;
