-- Hands out slices of a minute, of each key one, by the rule and the clock rule of `ledger.rate_slice` and
-- `ledger.take_slice` (migrations/0047_rate.sql). Without a key it only tells the time.
--
-- For each key four arguments: the limit of requests and how many are needed, the limit of tokens and how many are needed;
-- an empty limit is none. The answer is the time in milliseconds, then for each key six numbers: requests handed out and
-- left, tokens handed out and left, the minute counted from 1970, and how many milliseconds of it are left.

local MINUTE = 60000

local function slice(limit, taken, needed)
    if not limit or limit - taken < needed then
        return 0
    end
    local rest = limit - taken
    return math.min(rest, math.max(needed, math.min(math.floor((limit + 49) / 50), math.floor(rest / 16))))
end

local function left(limit, taken)
    return limit and math.max(limit - taken, 0) or 0
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local current = math.floor(now / MINUTE)
local answer = { now }

for place, key in ipairs(KEYS) do
    local request_limit, requests_needed, token_limit, tokens_needed = unpack(ARGV, place * 4 - 3, place * 4)
    request_limit, token_limit = tonumber(request_limit), tonumber(token_limit)
    local there = redis.call('HMGET', key, 'minute', 'requests', 'tokens')
    local minute, requests, tokens = tonumber(there[1]), tonumber(there[2]), tonumber(there[3])
    -- A clock that is set back a little must not give a minute twice.
    if not minute or minute < current or minute > current + 1 then
        minute, requests, tokens = current, 0, 0
    end
    local more_requests = slice(request_limit, requests, tonumber(requests_needed))
    local more_tokens = slice(token_limit, tokens, tonumber(tokens_needed))
    requests, tokens = requests + more_requests, tokens + more_tokens
    redis.call('HSET', key, 'minute', minute, 'requests', requests, 'tokens', tokens)
    redis.call('PEXPIRE', key, 3 * MINUTE)
    for _, number in ipairs({
        more_requests, left(request_limit, requests), more_tokens, left(token_limit, tokens),
        minute, (minute + 1) * MINUTE - now,
    }) do
        answer[#answer + 1] = number
    end
end
return answer
