#!/bin/sh
# OpenSSH: public keys, an agent, logins to a real sshd, signatures, certificates, and a host key in the HSM.
. "$(dirname "$0")/../lib.sh"
hsm_up
unset DISPLAY SSH_AUTH_SOCK
printf '#!/bin/sh\necho "$CHSM_PIN"\n' >askpass
chmod 755 askpass
SSH_ASKPASS=$work/askpass SSH_ASKPASS_REQUIRE=force
export SSH_ASKPASS SSH_ASKPASS_REQUIRE

n=0
for type in rsa:2048 EC:prime256v1 EC:secp384r1 EC:secp521r1; do
        n=$((n + 1))
        t "key of type $type" pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --keypairgen --key-type "$type" \
                --id 0$n --label "ssh $n" $one_role
done
public_keys() {
        ssh-keygen -D "$CHSM_MODULE" >all.pub && cat all.pub && [ "$(wc -l <all.pub)" -eq 4 ] &&
                ssh-keygen -l -f all.pub
}
t "ssh-keygen -D shows the public keys" public_keys

# ---- a server ----
user=$(id -un)
port=$(free_port)
ssh-keygen -q -t ed25519 -N '' -f host
empty=
if [ "$(id -u)" -eq 0 ] && [ ! -e /run/sshd ]; then
        empty=/run/sshd # sshd drops its rights in there; it comes with the boot of a whole machine
        mkdir $empty
fi
cat >sshd_config <<END
Port $port
ListenAddress 127.0.0.1
HostKey $work/host
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
AuthorizedKeysFile $work/authorized_keys
TrustedUserCAKeys $work/user_ca.pub
Subsystem sftp internal-sftp
LogLevel VERBOSE
END
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 host.pub)" >known_hosts
cat >ssh_config <<END
Host server
        HostName 127.0.0.1
        Port $port
        User $user
        UserKnownHostsFile $work/known_hosts
        StrictHostKeyChecking yes
        IdentityFile none
        PreferredAuthentications publickey
END
cp all.pub authorized_keys
touch user_ca.pub
serve sshd "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f sshd_config
t "sshd comes up" port_opened "$port"

# ---- without an agent ----
log_in() {
        [ "$(ssh -F ssh_config "$@" server echo logged in)" = "logged in" ]
}
for n in 1 2 3 4; do
        sed -n "${n}p" all.pub >authorized_keys
        t "a login with PKCS11Provider and $(cut -d' ' -f1 authorized_keys)" log_in -o PKCS11Provider="$CHSM_MODULE"
done
refused "no login with a wrong PIN" "login failed" env CHSM_PIN=cu1:wrong12345 ssh -F ssh_config \
        -o PKCS11Provider="$CHSM_MODULE" server true
: >authorized_keys
refused "a key that the server does not know" "Permission denied" ssh -F ssh_config -o PKCS11Provider="$CHSM_MODULE" server true

# ---- an agent ----
t "what docs/clients.md says: an agent and a login" doc_run ssh-login
eval "$(ssh-agent -P "$CHSM_MODULE")" >/dev/null
servers="$servers $SSH_AGENT_PID"
t "ssh-add -s" ssh-add -s "$CHSM_MODULE"
t "the agent has the four keys" sh -c '[ $(ssh-add -l | wc -l) -eq 4 ]'
for n in 1 2 3 4; do
        sed -n "${n}p" all.pub >authorized_keys
        t "a login through the agent with $(cut -d' ' -f1 authorized_keys)" log_in
done
copies() {
        head -c 300000 /dev/urandom >film && scp -q -F ssh_config film server:"$work/copy" && cmp film copy
}
t "scp through the agent" copies
signed_text() {
        sed -n 2p all.pub >signer.pub && echo "a text" >text && rm -f text.sig && ssh-keygen -Y sign -n file -f signer.pub text &&
                echo "me $(cut -d' ' -f1,2 signer.pub)" >signers &&
                ssh-keygen -Y verify -f signers -I me -n file -s text.sig <text
}
t "ssh-keygen -Y sign through the agent" signed_text
user_certificate() {
        : >authorized_keys
        sed -n 3p all.pub >user_ca.pub && ssh-keygen -q -t ed25519 -N '' -f user &&
                ssh-keygen -s user_ca.pub -D "$CHSM_MODULE" -I me -n "$user" user.pub &&
                log_in -o IdentityAgent=none -o IdentityFile="$work/user"
}
t "the HSM signs a user's certificate, which is enough to log in" user_certificate
cp all.pub authorized_keys
hsm_restart
t "the agent goes on after a restart of node and daemon" log_in
host_key() {
        host_port=$(free_port)
        sed -n 2p all.pub >hsm_host.pub
        sed "s|^Port.*|Port $host_port|; s|^HostKey.*|HostKey $work/hsm_host.pub\nHostKeyAgent $SSH_AUTH_SOCK|" sshd_config >sshd_config2
        serve sshd2 "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f sshd_config2
        port_opened "$host_port" && echo "[127.0.0.1]:$host_port $(cut -d' ' -f1,2 hsm_host.pub)" >>known_hosts &&
                log_in -o Port="$host_port"
}
t "a server whose host key is in the HSM" host_key
t "ssh-add -e" ssh-add -e "$CHSM_MODULE"
refused "the agent has no keys then" "no identities" ssh-add -l
[ -z "$empty" ] || rmdir $empty
finish
