#!/bin/sh
# Certificates, data and keys as objects, through the module: what is filled in, found, refused and left unchanged.
# What a certificate says is read by openssl and compared.
. "$(dirname "$0")/lib.sh"
hsm_up
cd "$work"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 30 \
        -set_serial 0x00c0ffee1234 -subj "/C=CH/O=chsm/CN=objects" 2>/dev/null
openssl x509 -in cert.pem -outform DER -out cert.der

# The fields of the TBSCertificate, cut out by openssl's offsets: serial, issuer, subject, public key.
openssl asn1parse -inform DER -in cert.der | sed -n 's/^ *\([0-9]*\):d=2 *hl=\([0-9]*\) *l= *\([0-9]*\) .*/\1 \2 \3/p' >offsets
cut_field() { # LINE NAME
        sed -n "$1p" offsets | {
                read -r at head length
                dd if=cert.der of="$2" bs=1 skip="$at" count=$((head + length)) 2>/dev/null
        }
}
cut_field 2 want.serial
cut_field 4 want.issuer
cut_field 6 want.subject
cut_field 7 want.public
openssl x509 -in cert.pem -noout -startdate | cut -d= -f2 | xargs -I{} date -u -d {} +%Y%m%d | tr -d '\n' >want.start
openssl x509 -in cert.pem -noout -enddate | cut -d= -f2 | xargs -I{} date -u -d {} +%Y%m%d | tr -d '\n' >want.end
openssl dgst -sha1 -binary cert.der | head -c 3 >want.check

"$build/tests/run/objects" "$CHSM_MODULE" "$CHSM_PIN" "$work" >program 2>&1 || bad=1
cat program
count=$(grep -c "^ok\|^not ok" program)
echo "DEFAULT_EXTRACTABLE = 0" >application.cfg
t "an application's own defaults" env CHSM_APPLICATION_CFG="$work/application.cfg" "$build/tests/run/objects" "$CHSM_MODULE" \
        "$CHSM_PIN" defaults
for field in serial issuer subject public start end check; do
        t "the certificate's $field is what openssl reads" cmp "want.$field" "got.$field"
done
finish
