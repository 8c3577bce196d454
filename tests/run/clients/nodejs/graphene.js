// What docs/clients.md shows, and more, through graphene-pk11. Says TAP lines without a plan.
// Usage: node graphene.js FIRST_NUMBER, with NODE_PATH where the packages are.
'use strict';
const assert = require('assert');
const crypto = require('crypto');
const graphene = require('graphene-pk11');
const tap = require('./tap');

const module_ = graphene.Module.load(process.env.CHSM_MODULE, 'chsm');
module_.initialize();
const slot = module_.getSlots(0);
let session;

function ecPair(curve) {
    return session.generateKeyPair(graphene.KeyGenMechanism.ECDSA,
        { keyType: graphene.KeyType.ECDSA, token: false, verify: true, paramsECDSA: graphene.NamedCurve.getByName(curve).value },
        { keyType: graphene.KeyType.ECDSA, token: false, private: true, sign: true, derive: true });
}

function rsaPair() {
    return session.generateKeyPair(graphene.KeyGenMechanism.RSA,
        { keyType: graphene.KeyType.RSA, token: false, modulusBits: 2048, publicExponent: Buffer.from([1, 0, 1]), verify: true,
          encrypt: true, wrap: true },
        { keyType: graphene.KeyType.RSA, token: false, private: true, sign: true, decrypt: true, unwrap: true });
}

function aesKey(more) {
    return session.generateKey(graphene.KeyGenMechanism.AES, Object.assign({ class: graphene.ObjectClass.SECRET_KEY,
        keyType: graphene.KeyType.AES, token: false, private: true, valueLen: 32, encrypt: true, decrypt: true }, more));
}

// A key for Node's own crypto from the attributes of a public key.
function rsaPublic(key) {
    const value = key.getAttribute({ modulus: null, publicExponent: null });
    return crypto.createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: value.modulus.toString('base64url'),
        e: value.publicExponent.toString('base64url') } });
}

function ecPublic(key, crv) {
    const octets = key.getAttribute({ pointEC: null }).pointEC;
    const point = octets.subarray(octets[1] === 0x81 ? 4 : 3);
    return crypto.createPublicKey({ format: 'jwk', key: { kty: 'EC', crv, x: point.subarray(0, point.length / 2).toString('base64url'),
        y: point.subarray(point.length / 2).toString('base64url') } });
}

tap.test('the token', () => {
    assert.strictEqual(slot.getToken().label.trim(), 'dev');
    assert(slot.getMechanisms().length > 20);
});
tap.test('a wrong PIN', () => {
    session = slot.open(graphene.SessionFlag.SERIAL_SESSION | graphene.SessionFlag.RW_SESSION);
    assert.throws(() => session.login('cu1:wrong12345'), /CKR_PIN_INCORRECT/);
});
tap.test('a login', () => session.login(process.env.CHSM_PIN));
tap.test('random bytes', () => assert.strictEqual(session.generateRandom(1000).length, 1000));
for (const name of ['SHA256', 'SHA384', 'SHA512'])
    tap.test(`digest ${name}`, () => {
        const digest = session.createDigest(name);
        digest.update('first ');
        digest.update('second');
        assert.deepStrictEqual(digest.final(), crypto.createHash(name).update('first second').digest());
    });
for (const [curve, crv, hash] of [['secp256r1', 'P-256', 'SHA256'], ['secp384r1', 'P-384', 'SHA384'], ['secp521r1', 'P-521', 'SHA512']])
    tap.test(`ECDSA on ${curve}`, () => {
        const pair = ecPair(curve), text = crypto.randomBytes(1000);
        const sign = session.createSign(`ECDSA_${hash}`, pair.privateKey);
        sign.update(text.subarray(0, 100));
        sign.update(text.subarray(100));
        const signature = sign.final();
        assert(crypto.verify(hash, text, { key: ecPublic(pair.publicKey, crv), dsaEncoding: 'ieee-p1363' }, signature));
        assert(session.createVerify(`ECDSA_${hash}`, pair.publicKey).once(text, signature));
    });
tap.test('RSA, RSA-PSS', () => {
    const pair = rsaPair(), text = crypto.randomBytes(1000), soft = rsaPublic(pair.publicKey);
    const signature = session.createSign('SHA256_RSA_PKCS', pair.privateKey).once(text);
    assert(crypto.verify('SHA256', text, soft, signature));
    const pss = { name: 'SHA256_RSA_PKCS_PSS', params: new graphene.RsaPssParams(graphene.MechanismEnum.SHA256,
        graphene.RsaMgf.MGF1_SHA256, 32) };
    const second = session.createSign(pss, pair.privateKey).once(text);
    assert(crypto.verify('SHA256', text, { key: soft, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, second));
    assert(session.createVerify(pss, pair.publicKey).once(text, second));
});
tap.test('RSA-OAEP', () => {
    const pair = rsaPair(), text = crypto.randomBytes(100);
    const sealed = crypto.publicEncrypt({ key: rsaPublic(pair.publicKey), oaepHash: 'sha256' }, text);
    const oaep = { name: 'RSA_PKCS_OAEP', params: new graphene.RsaOaepParams(graphene.MechanismEnum.SHA256,
        graphene.RsaMgf.MGF1_SHA256) };
    assert.deepStrictEqual(session.createDecipher(oaep, pair.privateKey).once(sealed, Buffer.alloc(256)), text);
});
tap.test('AES-CBC in parts', () => {
    const key = aesKey(), iv = crypto.randomBytes(16), text = crypto.randomBytes(100000);
    const cbc = { name: 'AES_CBC_PAD', params: iv };
    const cipher = session.createCipher(cbc, key), parts = [];
    for (let at = 0; at < text.length; at += 7000) parts.push(cipher.update(text.subarray(at, at + 7000)));
    parts.push(cipher.final());
    const sealed = Buffer.concat(parts);
    assert.strictEqual(sealed.length, 100000 - 100000 % 16 + 16);
    const decipher = session.createDecipher(cbc, key);
    assert.deepStrictEqual(Buffer.concat([decipher.update(sealed), decipher.final()]), text);
});
tap.test('AES-GCM', () => {
    const key = aesKey(), text = crypto.randomBytes(5000);
    const gcm = { name: 'AES_GCM', params: new graphene.AesGcm240Params(crypto.randomBytes(12), Buffer.from('header'), 128) };
    const sealed = session.createCipher(gcm, key).once(text, Buffer.alloc(6000));
    assert.strictEqual(sealed.length, 5016);
    assert.deepStrictEqual(session.createDecipher(gcm, key).once(sealed, Buffer.alloc(6000)), text);
    sealed[0] ^= 1;
    assert.throws(() => session.createDecipher(gcm, key).once(sealed, Buffer.alloc(6000)), /CKR_/);
});
tap.test('wrap and unwrap', () => {
    const wrapping = aesKey({ encrypt: false, decrypt: false, wrap: true, unwrap: true }), target = aesKey({ extractable: true });
    const wrapped = session.wrapKey('AES_KEY_WRAP', wrapping, target), iv = crypto.randomBytes(16);
    const back = session.unwrapKey('AES_KEY_WRAP', wrapping, wrapped, { class: graphene.ObjectClass.SECRET_KEY,
        keyType: graphene.KeyType.AES, token: false, encrypt: true, decrypt: true });
    const sealed = session.createCipher({ name: 'AES_CBC_PAD', params: iv }, target).once('a text', Buffer.alloc(64));
    assert.strictEqual(session.createDecipher({ name: 'AES_CBC_PAD', params: iv }, back).once(sealed, Buffer.alloc(64)).toString(),
        'a text');
});
tap.test('ECDH', () => {
    const pair = ecPair('secp256r1'), other = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = other.publicKey.export({ format: 'der', type: 'spki' });
    const secret = session.deriveKey({ name: 'ECDH1_DERIVE', params: new graphene.EcdhParams(graphene.EcKdf.NULL, null,
        spki.subarray(spki.length - 65)) }, pair.privateKey, { class: graphene.ObjectClass.SECRET_KEY,
        keyType: graphene.KeyType.GENERIC_SECRET, token: false, sensitive: false, extractable: true, valueLen: 32 });
    const soft = crypto.diffieHellman({ privateKey: other.privateKey, publicKey: ecPublic(pair.publicKey, 'P-256') });
    assert.deepStrictEqual(secret.getAttribute({ value: null }).value, soft);
});
tap.test('objects of the token', () => {
    const made = session.create({ class: graphene.ObjectClass.DATA, token: true, private: true, label: 'note',
        value: Buffer.from('content') });
    const found = session.find({ class: graphene.ObjectClass.DATA, label: 'note' });
    assert.strictEqual(found.length, 1);
    assert.strictEqual(found.items(0).getAttribute({ value: null }).value.toString(), 'content');
    made.setAttribute({ label: 'another' });
    assert.strictEqual(session.find({ label: 'another' }).length, 1);
    made.destroy();
    assert.strictEqual(session.find({ class: graphene.ObjectClass.DATA }).length, 0);
});
tap.test('a sensitive value does not come out', () => {
    assert.throws(() => aesKey().getAttribute({ value: null }), /CKR_ATTRIBUTE_SENSITIVE/);
});
tap.test('the end', () => {
    session.logout();
    session.close();
    module_.finalize();
});
tap.run();
