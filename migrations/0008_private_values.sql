-- What names a person or a vehicle is kept no more: of a vehicle's number, only maker and model; no
-- login in the address of a repository. The program removes the params that config/kept_params.toml
-- does not list, and writes the file anew, so that nothing of them is left in it.

update log.car_params set car_vin = left(car_vin, 8) where length(car_vin) > 8;

update log.init_data
set git_remote = regexp_replace(git_remote, '^(\w+://)[^/]*@', '\1')
where regexp_matches(git_remote, '^\w+://[^/]*@');
