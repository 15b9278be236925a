//! The scripts: each is one step that nobody sees half of. The server does nothing else meanwhile, so each touches a
//! bounded number of keys.

/// Puts an entry; 0: its version is revoked. `KEYS`: entry, index, revoked. `ARGV`: label, envelope, lifetime in
/// milliseconds, name, prefix of the indexes.
///
/// The entry leaves the index of the version it was under before. Some expired names leave the index too: more than
/// come in, so that it does not outgrow its entries.
pub(crate) const PUT: &str = r"
if redis.call('SISMEMBER', KEYS[3], ARGV[1]) == 1 then
    return 0
end
local before = redis.pcall('GET', KEYS[1])
if type(before) == 'string' then
    local stop = string.find(before, '\n', 1, true)
    local label = stop and string.sub(before, 1, stop - 1)
    if label and label ~= ARGV[1] then
        redis.call('ZREM', ARGV[5] .. label, ARGV[4])
    end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lifetime = tonumber(ARGV[3])
redis.call('SET', KEYS[1], ARGV[1] .. '\n' .. ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], string.format('%.0f', now + lifetime), ARGV[4])
if redis.call('PTTL', KEYS[2]) < lifetime then
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
local expired = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, 16)
if #expired > 0 then
    redis.call('ZREM', KEYS[2], unpack(expired))
end
return 1
";

/// Reads an entry: nothing, or what it holds. One that is none of ours is deleted, and gives 0; one of a revoked
/// version is removed, and gives 1. `KEYS`: entry, revoked. `ARGV`: name, prefix of the indexes.
pub(crate) const GET: &str = r"
local found = redis.pcall('GET', KEYS[1])
if not found then
    return false
end
local stop = type(found) == 'string' and string.find(found, '\n', 1, true)
if not stop then
    redis.call('DEL', KEYS[1])
    return 0
end
local label = string.sub(found, 1, stop - 1)
if redis.call('SISMEMBER', KEYS[2], label) == 1 then
    redis.call('DEL', KEYS[1])
    redis.call('ZREM', ARGV[2] .. label, ARGV[1])
    return 1
end
return found
";

/// Removes an entry that still is what was read, or whatever it is when nothing is said. `KEYS`: entry. `ARGV`: name,
/// prefix of the indexes, what was read.
pub(crate) const REMOVE: &str = r"
local found = redis.pcall('GET', KEYS[1])
if ARGV[3] and found ~= ARGV[3] then
    return 0
end
local stop = type(found) == 'string' and string.find(found, '\n', 1, true)
if stop then
    redis.call('ZREM', ARGV[2] .. string.sub(found, 1, stop - 1), ARGV[1])
end
return redis.call('DEL', KEYS[1])
";

/// Removes some entries of a revoked version: gives how many names were looked at, and how many entries went. An entry
/// that was put anew under another version stays. `KEYS`: index. `ARGV`: label, prefix of the entries, how many.
pub(crate) const SWEEP: &str = r"
local names = redis.call('ZRANGE', KEYS[1], 0, ARGV[3] - 1)
if #names == 0 then
    return {0, 0}
end
local label = ARGV[1] .. '\n'
local removed = 0
for _, name in ipairs(names) do
    local entry = ARGV[2] .. name
    if redis.pcall('GETRANGE', entry, 0, #label - 1) == label then
        removed = removed + redis.call('UNLINK', entry)
    end
end
redis.call('ZREM', KEYS[1], unpack(names))
return {#names, removed}
";
