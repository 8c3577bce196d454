// The raw functions through pkcs11js, the ones of its thread pool included. Says TAP lines without a plan.
// Usage: node pkcs11js.js FIRST_NUMBER, with NODE_PATH where the packages are.
'use strict';
const assert = require('assert');
const crypto = require('crypto');
const p = require('pkcs11js');
const tap = require('./tap');

const lib = new p.PKCS11();
lib.load(process.env.CHSM_MODULE);
lib.C_Initialize();
const slot = lib.C_GetSlotList(true)[0];
const p256 = Buffer.from('06082a8648ce3d030107', 'hex');
let session, pair;

function newSession() {
    return lib.C_OpenSession(slot, p.CKF_RW_SESSION | p.CKF_SERIAL_SESSION);
}

function softKey(handle) {
    const octets = lib.C_GetAttributeValue(session, handle, [{ type: p.CKA_EC_POINT }])[0].value;
    return crypto.createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: octets.subarray(3, 35).toString('base64url'),
        y: octets.subarray(35, 67).toString('base64url') } });
}

const options = { dsaEncoding: 'ieee-p1363' };

tap.test('information', () => {
    assert.strictEqual(lib.C_GetInfo().cryptokiVersion.major, 2);
    assert.strictEqual(lib.C_GetTokenInfo(slot).label.trim(), 'dev');
    for (const mechanism of lib.C_GetMechanismList(slot)) lib.C_GetMechanismInfo(slot, mechanism);
});
tap.test('a login', () => {
    session = newSession();
    assert.throws(() => lib.C_Login(session, p.CKU_USER, 'cu1:wrong12345'), (e) => e.code === p.CKR_PIN_INCORRECT);
    lib.C_Login(session, p.CKU_USER, process.env.CHSM_PIN);
    assert.throws(() => lib.C_Login(session, p.CKU_USER, process.env.CHSM_PIN), (e) => e.code === p.CKR_USER_ALREADY_LOGGED_IN);
});
tap.test('a pair, asynchronously', async () => {
    pair = await lib.C_GenerateKeyPairAsync(session, { mechanism: p.CKM_EC_KEY_PAIR_GEN },
        [{ type: p.CKA_TOKEN, value: true }, { type: p.CKA_EC_PARAMS, value: p256 }, { type: p.CKA_LABEL, value: 'node' }],
        [{ type: p.CKA_TOKEN, value: true }, { type: p.CKA_LABEL, value: 'node' }]);
});
tap.test('it is found', () => {
    lib.C_FindObjectsInit(session, [{ type: p.CKA_LABEL, value: 'node' }]);
    assert.strictEqual(lib.C_FindObjects(session, 10).length, 2);
    lib.C_FindObjectsFinal(session);
});
tap.test('a signature', () => {
    const text = crypto.randomBytes(100);
    lib.C_SignInit(session, { mechanism: p.CKM_ECDSA }, pair.privateKey);
    const signature = lib.C_Sign(session, crypto.createHash('sha256').update(text).digest(), Buffer.alloc(64));
    assert(crypto.verify('sha256', text, { key: softKey(pair.publicKey), ...options }, signature));
});
tap.test('200 signatures at once, in 20 sessions', async () => {
    const soft = softKey(pair.publicKey);
    const worker = async () => {
        const own = newSession();
        for (let i = 0; i < 10; i++) {
            const text = crypto.randomBytes(32);
            lib.C_SignInit(own, { mechanism: p.CKM_ECDSA }, pair.privateKey);
            const signature = await lib.C_SignAsync(own, crypto.createHash('sha256').update(text).digest(), Buffer.alloc(64));
            assert(crypto.verify('sha256', text, { key: soft, ...options }, signature));
        }
        lib.C_CloseSession(own);
    };
    await Promise.all(Array.from({ length: 20 }, worker));
});
tap.test('HMAC in parts', () => {
    const key = lib.C_GenerateKey(session, { mechanism: p.CKM_GENERIC_SECRET_KEY_GEN }, [{ type: p.CKA_CLASS, value: p.CKO_SECRET_KEY },
        { type: p.CKA_VALUE_LEN, value: 32 }, { type: p.CKA_SIGN, value: true }, { type: p.CKA_VERIFY, value: true }]);
    lib.C_SignInit(session, { mechanism: p.CKM_SHA256_HMAC }, key);
    lib.C_SignUpdate(session, Buffer.from('one '));
    lib.C_SignUpdate(session, Buffer.from('two'));
    const mac = lib.C_SignFinal(session, Buffer.alloc(32));
    lib.C_VerifyInit(session, { mechanism: p.CKM_SHA256_HMAC }, key);
    assert(lib.C_Verify(session, Buffer.from('one two'), mac));
});
tap.test('a copy with another label', () => {
    const copy = lib.C_CopyObject(session, pair.publicKey, [{ type: p.CKA_LABEL, value: 'copy' }]);
    assert.strictEqual(lib.C_GetAttributeValue(session, copy, [{ type: p.CKA_LABEL }])[0].value.toString(), 'copy');
    lib.C_DestroyObject(session, copy);
});
tap.test('codes', () => {
    assert.throws(() => lib.C_SignInit(session, { mechanism: p.CKM_ECDSA }, Buffer.from([9, 9, 9, 9, 9, 0, 0, 0])),
        (e) => e.code === p.CKR_KEY_HANDLE_INVALID);
    assert.throws(() => lib.C_Sign(session, Buffer.alloc(32), Buffer.alloc(64)), (e) => e.code === p.CKR_OPERATION_NOT_INITIALIZED);
    lib.C_SignInit(session, { mechanism: p.CKM_ECDSA }, pair.privateKey);
    assert.throws(() => lib.C_Sign(session, Buffer.alloc(32), Buffer.alloc(10)), (e) => e.code === p.CKR_BUFFER_TOO_SMALL);
    assert.strictEqual(lib.C_Sign(session, Buffer.alloc(32, 7), Buffer.alloc(64)).length, 64);
});
tap.test('the end', () => {
    lib.C_DestroyObject(session, pair.privateKey);
    lib.C_DestroyObject(session, pair.publicKey);
    lib.C_Logout(session);
    lib.C_CloseAllSessions(slot);
    lib.C_Finalize();
    lib.close();
});
tap.run();
