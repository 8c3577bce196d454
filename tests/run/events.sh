#!/bin/sh
# The operation event log: documented records to a file, syslog, the journal and an HTTPS endpoint, with outages.
. "$(dirname "$0")/lib.sh"
hsm_up
mkdir hub

# ---- an endpoint with a CA of its own ----
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj "/CN=events CA" 2>/dev/null
issue() {
        openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
        printf 'subjectAltName=IP:127.0.0.1\n' >ext
        openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out "$1.pem" 2>/dev/null
        chmod 600 "$1.key"
}
issue hub
issue node
port=$(free_port)
hub_up() {
        serve hub python3 "$top/tests/run/events.py" https "$port" "$work/hub" "$work/ca.pem" "$work/hub.pem" "$work/hub.key"
        hub=$server
        port_opened "$port"
}
hub_down() {
        kill "$hub" 2>/dev/null || true
        wait "$hub" 2>/dev/null || true
}
serve syslog python3 "$top/tests/run/events.py" datagram "$work/syslog.socket" "$work/syslog"
serve journal python3 "$top/tests/run/events.py" datagram "$work/journal.socket" "$work/journal"
until_true test -S "$work/journal.socket" && until_true test -S "$work/syslog.socket"
echo "SharedAccessSignature sr=test" >token
chmod 600 token
options() {
        cat <<END
events_file = $work/events.log
events_syslog = $work/syslog.socket
events_journal = $work/journal.socket
events_url = https://127.0.0.1:$port/hub
events_ca = $work/ca.pem
events_certificate = $work/node.pem
events_key = $work/node.key
events_authorization = $work/token
events_retry_max_s = 1
events_batch = 7
events_tenant = 11111111-2222
events_resource = /subscriptions/x/cloudHsmClusters/test
END
}
options >"$CHSM_CONF_DIR/node.more"
restart() {
        hsm_restart
        . "$work/hsm/env"
}
t "an endpoint" hub_up
t "the node starts with all destinations" restart
util genECCKeyPair -i 2 -l ec >pair
handle private <pair >private
echo text >text
t "a signature" util sign -f text -k "$(cat private)" -m 17 -out sig
t "an officer makes an officer" officer createUser CO second user2345
refused "a wrong password" "failed" sh -c 'printf "loginHSM CU %s wrongpassword\n" "$CHSM_CU_USER" |
        chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
t "it is in the file" until_true grep -q '"ResultSignature":"login-failed"' events.log
form() {
        python3 - events.log <<'END'
import json, re, sys
rows = [json.loads(l) for l in open(sys.argv[1])]
by = {}
for r in rows:
    by.setdefault(r["OperationName"], []).append(r)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", r["TimeGenerated"]), r
    assert r["MemberId"] == "hsm1" and r["CallerIpAddress"] == "127.0.0.1" and r["PoolType"] == "cloudhsm", r
    assert r["Sku"] == {"Family": "B", "Name": "Standard_B1"} and r["SourceSystem"] == "" and r["TenantId"] == "11111111-2222"
    assert r["Type"] == "CloudHsmServiceOperationAuditLogs" and r["_ResourceId"].endswith("/test")
    assert r["ClientInfo"].split(" / ")[1] == r["ClientSdkPackageVersion"] != "", r
    assert len(r["Opcode"]) >= 2 and r["DurationMs"] >= 0
login = by["CN_LOGIN"]
assert login[0]["Opcode"] == " d"
assert {r["ResultType"] for r in login} == {"Success", "Failure"}
failed = [r for r in login if r["ResultType"] == "Failure"][0]
assert failed["ResultSignature"] == "login-failed" and failed["ResultDescription"]
assert max(r["DurationMs"] for r in login) > 1
assert by["CN_SIGN"][0]["ResultType"] == "Success" and 0 < by["CN_SIGN"][0]["DurationMs"] < 1000
assert by["CN_CREATE_CO"][0]["Opcode"] == " 4" and by["CN_GENERATE_KEY_PAIR"][0]["Opcode"] == "19"
ids = [r["RecordId"] for r in rows]
assert len(set(ids)) == len(ids)
END
}
t "with the documented fields and the true result" form
nameless() {
        ! grep -q -e "$CHSM_CU_USER" -e admin -e second -e '"UserName"' -e "$(cat private)" -e 'CN=' events.log
}
t "and without the names of users and keys" nameless

# ---- everything that is in the file reaches the others, in its order ----
ids() { # of a file with records anywhere in its lines
        grep -o '"RecordId":"[0-9a-f]*-[0-9]*"' "$1"
}
same() { # FILE: its record ids, repeats dropped, are those of the log
        ids events.log >ids.log
        ids "$1" | awk '!seen[$0]++' >ids.other
        cmp ids.log ids.other
}
t "syslog has them all" until_true same syslog
t "the journal has them all" until_true same journal
t "the endpoint has them all" until_true same hub/received
t "syslog's have a priority and a name" grep -q '^<134>[A-Z].* chsm-server\[[0-9]*\]: {"TimeGenerated"' syslog
t "a failure is a warning there" grep -q '^<132>.*login-failed' syslog
t "the journal's have fields" grep -q '\\nPRIORITY=6\\nSYSLOG_IDENTIFIER=chsm-server\\nCHSM_OPERATION=CN_SIGN\\nCHSM_RESULT=Success\\n' journal
hub_form() {
        python3 - hub/received <<'END'
import json, sys
n = 0
for line in open(sys.argv[1]):
    records = json.loads(line)["records"]
    assert 1 <= len(records) <= 7
    for r in records:
        assert r["category"] == "HsmServiceOperations" and r["resourceId"].endswith("/test")
        assert r["operationName"] == r["properties"]["OperationName"] and r["time"] == r["properties"]["TimeGenerated"]
        assert r["callerIpAddress"] == "127.0.0.1" and r["resultType"] in ("Success", "Failure")
        n += 1
assert n > 4
END
}
t "the endpoint's have the shape of an Event Hub message" hub_form
t "and the token" grep -q '^Authorization: SharedAccessSignature sr=test' hub/headers

# ---- outages ----
work_on() { # N: so many commands, each one record at least
        i=0
        while [ $i -lt "$1" ]; do
                echo "getHSMInfo"
                i=$((i + 1))
        done | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" >/dev/null
}
metric() {
        curl -sf "http://127.0.0.1:$CHSM_ADMIN_PORT/metrics" | sed -n "s/^$1 //p"
}
t "work before the outage" work_on 30
hub_down
t "work goes on while the endpoint is away" work_on 200
t "it is tried again" until_true sh -c "[ \"\$(curl -sf http://127.0.0.1:$CHSM_ADMIN_PORT/metrics | sed -n 's/^chsm_events_retries_total{destination=\"https\"} //p')\" -gt 0 ]"
t "the others have everything" until_true same syslog
t "the node restarts meanwhile" restart
t "and works" work_on 100
: >hub/refuse
t "an endpoint that answers with 503" hub_up
t "work" work_on 20
rm hub/refuse
t "nothing is lost, and the order kept" until_true same hub/received
: >hub/late
t "an endpoint that does not say that it has them" work_on 20
repeated() {
        [ "$(ids hub/received | sort | uniq -d | wc -l)" -gt 0 ]
}
t "gets them again" until_true repeated
rm hub/late
t "and each can be told by its id" until_true same hub/received
t "nothing was lost at any time" sh -c "[ \"\$(curl -sf http://127.0.0.1:$CHSM_ADMIN_PORT/metrics | sed -n 's/^chsm_events_lost_total //p')\" = 0 ]"
! grep -q CHSM_EVENTS_LOST events.log
kill -9 "$CHSM_NODE_PIDS"
until_true sh -c "! kill -0 $CHSM_NODE_PIDS"
t "a node that was killed starts again" restart
t "and works on" work_on 5
t "with what was on disk" until_true same hub/received

# ---- rotation ----
mv events.log moved.log
reopened() {
        kill -HUP "$CHSM_NODE_PIDS"
        work_on 1 && until_true test -s events.log && ids events.log >first && ids moved.log >before &&
                ! grep -qxFf first before
}
t "a log that was moved away is opened anew at SIGHUP" reopened

# ---- a spool that is full: counted and told ----
hub_down
{
        options | grep -v -e syslog -e journal -e events_file
        echo "events_spool_mib = 1"
        echo "events_names = yes"
} >"$CHSM_CONF_DIR/node.more"
t "a small spool" restart
lossy() {
        work_on 3000 && [ "$(metric chsm_events_lost_total)" -gt 0 ]
}
t "loses records when the endpoint is away for too long" lossy
t "commands are done all the same" work_on 1
lost=$(metric chsm_events_lost_total)
rm hub/received
t "the endpoint comes back" hub_up
t "what was kept arrives" until_true sh -c "work=\$(curl -sf http://127.0.0.1:$CHSM_ADMIN_PORT/metrics | sed -n 's/^chsm_events_spool_bytes //p'); [ \"\$work\" -lt 300000 ]"
told() {
        work_on 1
        sleep 0.05
        python3 - hub/received "$lost" <<'END'
import json, sys
rows = [r["properties"] for l in open(sys.argv[1]) for r in json.loads(l)["records"]]
lost = sum(r["Lost"] for r in rows if r["OperationName"] == "CHSM_EVENTS_LOST")
assert lost >= int(sys.argv[2]), (lost, sys.argv[2])
END
}
t "and how many were lost" until_true told
named() {
        officer listUsers && until_true grep -q '"UserName":"admin"' hub/received
}
t "names are told where they are wanted" named

# ---- a spool that is full: commands are refused ----
hub_down
{
        options | grep -v -e syslog -e journal -e events_file
        echo "events_spool_mib = 1"
        echo "events_full = refuse"
} >"$CHSM_CONF_DIR/node.more"
"$top/scripts/dev-cluster" down "$work/hsm"
rm -r hsm/node1/data/events
mkdir -m 700 hsm/node1/data/events
python3 -c '
for i in range(3000):
    print("{\"TimeGenerated\":\"2026-11-24T12:00:00.000Z\",\"OperationName\":\"CN_SIGN\",\"CallerIpAddress\":\"127.0.0.1\","
          "\"ResultType\":\"Success\",\"RecordId\":\"1-%d\",\"Padding\":\"%s\"}" % (i, "x" * 250))' >hsm/node1/data/events/0.jsonl
printf '{"TimeGenerated":"torn' >>hsm/node1/data/events/0.jsonl
restart || true
full() {
        nobody getHSMInfo >full.out 2>&1
        grep -q "event log cannot be kept now" full.out
}
t "a node that does nothing unrecorded refuses commands" until_true full
rm -f hub/received
t "until the endpoint is back" hub_up
serves() {
        nobody getHSMInfo
}
t "and serves again" until_true serves
all_came() {
        [ "$(grep -o '"RecordId":"1-[0-9]*"' hub/received | sort -u | wc -l)" = 3000 ]
}
t "and lost nothing that waited" until_true all_came
t "a record that a crash tore is told" until_true grep -q '"OperationName":"CHSM_EVENTS_LOST".*"Lost":1' hub/received

# ---- configuration ----
hub_down
"$top/scripts/dev-cluster" down "$work/hsm"
conf() {
        { grep -v "^${1%% *} " "$CHSM_CONF_DIR/chsm-server.conf"; echo "$1"; } >bad.conf
        timeout 20 chsm-server -c bad.conf
}
refused "plain HTTP" "does not begin with https://" conf "events_url = http://127.0.0.1/"
refused "a CA that is not there" "is not there" conf "events_ca = nothing.pem"
refused "a certificate without its key" "go together" conf "events_key ="
chmod 644 token
refused "a token that others can read" "token" conf "events_batch = 8"
chmod 600 token
refused "a file that cannot be made" "cannot be opened" conf "events_file = /proc/events.log"
refused "a strange policy" "count, refuse" conf "events_full = ignore"
refused "too small a spool" "takes a number from 1" conf "events_spool_mib = 0"
finish
