#!/bin/sh
# What a user does: sign in, look at the events, create one, see it, remove it. The password and the token go to curl
# through a pipe; the event is removed however this ends, and one that an earlier try left is removed too.
set -eu

# request METHOD PATH, the body from standard input: leaves $status and $answer. Nothing of it touches the disk.
token=''
request() {
  bearer=''
  if [ -n "$token" ]; then bearer="header = \"Authorization: Bearer $token\""; fi
  answer=$(curl -sS -m 20 -w '\n%{http_code}' -X "$1" --data-binary @- -K /dev/fd/3 "$API_URL$2" 3<<END
header = "Content-Type: application/json"
$bearer
END
  )
  status=${answer##*
}
  answer=${answer%
*}
}
# expect WHAT STATUS WANTED…
expect() {
  what=$1 status=$2
  shift 2
  for wanted; do if [ "$status" = "$wanted" ]; then return; fi; done
  echo "$what: status $status" >&2
  exit 1
}

request POST /auth/login <<END
$(jq -n '{email: env.EMAIL, password: env.PASSWORD}')
END
expect 'sign in' "$status" 200
token=$(printf %s "$answer" | jq -er .access_token)

ours() { printf %s "$answer" | jq -r '.[] | select(.title == env.TITLE) | .id'; }
list() {
  request GET /events </dev/null
  expect 'list events' "$status" 200
}
remove_ours() {
  list
  for id in $(ours); do
    request DELETE "/events/$id" </dev/null
    expect 'remove the event' "$status" 200 204 404
    list
  done
}

list
printf %s "$answer" | jq -r '"\(length) events, the newest: \(max_by(.created_at).title)"'
printf %s "$answer" | jq -e 'length > 0' >/dev/null || { echo "$EMAIL has no events" >&2; exit 1; }
remove_ours
request POST /events <<END
$(jq -n '{title: env.TITLE}')
END
expect 'create an event' "$status" 200 201
list
found=$(ours)
remove_ours
test -n "$found" || { echo 'the event that was created is not in the list' >&2; exit 1; }
test -z "$(ours)" || { echo 'the event is still there after it was removed' >&2; exit 1; }
