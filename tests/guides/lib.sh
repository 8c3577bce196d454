# Sourced by the guides: nodes that nobody owns yet, the documented programs and folders, and checks of what they say.
. "$(dirname "$0")/../run/lib.sh"
cd "$work"

# The documented names of the programs, and the folder they are started in.
mkdir -p sdk/bin sdk/cert
for pair in chsm-server:azcloudhsm_server chsm-client:azcloudhsm_client chsm-mgmt:azcloudhsm_mgmt_util chsm-util:azcloudhsm_util; do
        ln -s "$build/src/programs/${pair%:*}" "sdk/bin/${pair#*:}"
done
PATH=$work/sdk/bin:$PATH
export XDG_STATE_HOME="$work/state"
openssl req -newkey rsa:2048 -nodes -x509 -days 30 -subj "/CN=guide" -keyout sdk/cert/pkey-c -out sdk/cert/cert-c \
        >openssl.log 2>&1

# node_up NAME [LINE...]: a node of that name, with a store of its own and more lines of configuration; its port in NAME.port.
node_up() {
        node=$1
        shift
        mkdir -p "$node/clients"
        chmod 700 "$node"
        cp sdk/cert/cert-c "$node/clients/client.crt"
        {
                echo "data_dir = $work/$node"
                echo "listen = 127.0.0.1"
                echo "port = $(cat "$node.port" 2>/dev/null || echo 0)"
                echo "admin_port = 0"
                echo "node_name = $node"
                echo "token_label = guide"
                echo "ready_file = $work/$node.ready"
                echo "password_memory_kib = 8192"
                for line in "$@"; do
                        echo "$line"
                done
        } >"$node.conf"
        rm -f "$node.ready"
        serve "$node" azcloudhsm_server --config "$work/$node.conf"
        echo "$server" >"$node.pid"
        until_true sh -c "! kill -0 $server || [ -s '$node.ready' ]"
        [ -s "$node.ready" ] || { sed 's/^/# /' "$node.log"; echo "Bail out! node $node did not come up"; exit 1; }
        sed -n 's/^port=//p' "$node.ready" >"$node.port"
}

# resource NAME [CERT_FOLDER]: azcloudhsm_resource.cfg for that node, with the certificates of a folder.
resource() {
        cat >sdk/bin/azcloudhsm_resource.cfg <<END
{ "servers": [ { "hostname": "127.0.0.1", "port": $(cat "$1.port") } ],
  "ssl": { "certificate": "$work/sdk/cert/cert-c", "pkey": "$work/sdk/cert/pkey-c",
           "owner_cert_path": "$work/${2:-sdk/cert}/PO.crt" },
  "chsm-client": { "socket": "$work/$1.socket", "ready_file": "$work/$1.client-ready" } }
END
        CHSM_SOCKET=$work/$1.socket
        export CHSM_SOCKET
}

# client_up NAME: the client daemon of that node, after resource NAME.
client_up() {
        rm -f "$1.client-ready"
        serve "$1.client" sh -c 'cd sdk/bin && exec ./azcloudhsm_client azcloudhsm_resource.cfg'
        until_true sh -c "! kill -0 $server || [ -s '$1.client-ready' ]"
        [ -s "$1.client-ready" ] || { sed 's/^/# /' "$1.client.log"; echo "Bail out! the client did not come up"; exit 1; }
}

# mgmt: the management utility as the guides start it; what is typed comes from standard input, what it says is in `said`.
mgmt() {
        (cd sdk/bin && ./azcloudhsm_mgmt_util "$@" ./azcloudhsm_resource.cfg) >said 2>&1
}

# key USER COMMAND...: one command of the key utility, as a crypto user with the guides' password.
key() {
        user=$1
        shift
        azcloudhsm_util singlecmd loginHSM -u CU -s "$user" -p user1234 "$@" >said 2>&1
}

# as USER: lines for the management utility, after a login as that CO or CU.
as() {
        type=CU
        case $1 in admin* | co*) type=CO ;; esac
        { echo "loginHSM $type $1 $(password_of "$1")"; cat; } | mgmt --yes
}
password_of() {
        case $1 in admin* | co*) echo "${co_password:-admin1234}" ;; *) echo user1234 ;; esac
}

# does NAME COMMAND...: it must succeed; what it said stays in `said`.
does() {
        name=$1
        shift
        count=$((count + 1))
        if "$@"; then
                echo "ok $count - $name"
        else
                bad=$((bad + 1))
                echo "not ok $count - $name"
                sed 's/^/# /' said
        fi
}

# fails NAME WORDS COMMAND...: it must fail, and say so.
fails() {
        name=$1
        words=$2
        shift 2
        count=$((count + 1))
        if ! "$@" && grep -qF -- "$words" said; then
                echo "ok $count - $name"
        else
                bad=$((bad + 1))
                echo "not ok $count - $name (without '$words', or not refused)"
                sed 's/^/# /' said
        fi
}

# shows LINE...: each documented line was said.
shows() {
        for words in "$@"; do
                count=$((count + 1))
                if grep -qF -- "$words" said; then
                        echo "ok $count - it says: $words"
                else
                        bad=$((bad + 1))
                        echo "not ok $count - it does not say: $words"
                        sed 's/^/# /' said
                fi
        done
}

# made: the handle of the key that was just made; made_pair: public, then private.
made() {
        sed -n 's/.*[Hh]andle: \([0-9][0-9]*\).*/\1/p' said | tail -n 1
}
made_pair() {
        public=$(sed -n 's/.*public key handle: \([0-9]*\).*/\1/p' said)
        private=$(sed -n 's/.*private key handle: \([0-9]*\).*/\1/p' said)
}

# owner FOLDER: the owner's key and certificate there.
owner() {
        mkdir -p "$1"
        openssl req -newkey rsa:2048 -nodes -keyout "$1/PO.key" -x509 -days 3650 -subj /CN=owner -out "$1/PO.crt" \
                >>openssl.log 2>&1
}
issue() { # FOLDER: POAC.crt for P1.csr there
        openssl x509 -days 3650 -req -in "$1/P1.csr" -CA "$1/PO.crt" -CAkey "$1/PO.key" -set_serial 01 \
                -out "$1/POAC.crt" >said 2>&1
}

# ceremony NAME FOLDER: ownership and activation of a node, in short; CO admin and CUs cu1, cu2, cu3.
ceremony() {
        resource "$1" "$2"
        mkdir -p "$2"
        echo "getCertReq $work/$2/P1.csr" | mgmt
        owner "$2"
        issue "$2"
        mgmt --yes <<END || { sed 's/^/# /' said; echo "Bail out! the ceremony failed"; exit 1; }
loginHSM PRECO admin tenantadmin
storeCert $work/$2/PO.crt 4
storeCert $work/$2/POAC.crt 8
loginHSM PRECO admin tenantadmin
changePswd PRECO admin admin1234
logoutHSM
loginHSM CO admin admin1234
createUser CU cu1 user1234
createUser CU cu2 user1234
createUser CU cu3 user1234
END
}
