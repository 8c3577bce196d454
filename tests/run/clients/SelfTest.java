// Every service of SunPKCS11 over the module, each checked against Java's own software. Says TAP lines without a plan.
// Usage: java SelfTest.java CONFIGURATION PIN FIRST_NUMBER

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.*;
import java.security.cert.*;
import java.security.interfaces.*;
import java.security.spec.*;
import java.util.*;
import java.util.concurrent.*;
import javax.crypto.*;
import javax.crypto.spec.*;

public class SelfTest {
    interface Body {
        void run() throws Exception;
    }

    static Provider hsm;
    static char[] pin;
    static KeyStore store;
    static int count, bad;
    static final SecureRandom random = new SecureRandom();

    static void t(String name, Body body) {
        count++;
        try {
            body.run();
            System.out.println("ok " + count + " - " + name);
        } catch (Throwable e) {
            bad++;
            System.out.println("not ok " + count + " - " + name);
            for (Throwable c = e; c != null; c = c.getCause()) {
                System.out.println("# " + c);
                if (c.getStackTrace().length > 0) System.out.println("#   at " + c.getStackTrace()[0]);
            }
        }
    }

    static void check(boolean right, String what) {
        if (!right) throw new AssertionError(what);
    }

    static byte[] bytes(int n) {
        byte[] b = new byte[n];
        random.nextBytes(b);
        return b;
    }

    // ---- keys ----

    static KeyPair rsaPair(int bits) throws Exception {
        KeyPairGenerator g = KeyPairGenerator.getInstance("RSA", hsm);
        g.initialize(bits);
        return g.generateKeyPair();
    }

    static KeyPair ecPair(String curve) throws Exception {
        KeyPairGenerator g = KeyPairGenerator.getInstance("EC", hsm);
        g.initialize(new ECGenParameterSpec(curve));
        return g.generateKeyPair();
    }

    static SecretKey aesKey(int bits) throws Exception {
        KeyGenerator g = KeyGenerator.getInstance("AES", hsm);
        g.init(bits);
        return g.generateKey();
    }

    // A key that both sides know: imported into the HSM as a session object.
    static SecretKey imported(SecretKey soft) throws Exception {
        return SecretKeyFactory.getInstance(soft.getAlgorithm(), hsm).translateKey(soft);
    }

    // ---- signatures ----

    static void signs(String algorithm, KeyPair pair, AlgorithmParameterSpec parameters) throws Exception {
        byte[] text = bytes(1 + random.nextInt(5000));
        Signature s = Signature.getInstance(algorithm, hsm);
        if (parameters != null) s.setParameter(parameters);
        s.initSign(pair.getPrivate());
        s.update(text, 0, text.length / 2);
        s.update(text, text.length / 2, text.length - text.length / 2);
        byte[] signature = s.sign();

        String family = pair.getPublic().getAlgorithm();
        PublicKey soft = KeyFactory.getInstance(family).generatePublic(new X509EncodedKeySpec(pair.getPublic().getEncoded()));
        Signature own = Signature.getInstance(algorithm, family.equals("EC") ? "SunEC" : "SunRsaSign");
        if (parameters != null) own.setParameter(parameters);
        own.initVerify(soft);
        own.update(text);
        check(own.verify(signature), "software refuses the signature");

        Signature v = Signature.getInstance(algorithm, hsm);
        if (parameters != null) v.setParameter(parameters);
        v.initVerify(pair.getPublic());
        v.update(text);
        check(v.verify(signature), "the HSM refuses its own signature");
        text[0] ^= 1;
        v.update(text);
        check(!v.verify(signature), "a changed text verifies");
    }

    static PSSParameterSpec pss(String hash, int salt) {
        return new PSSParameterSpec(hash, "MGF1", new MGF1ParameterSpec(hash), salt, 1);
    }

    static void signatures(KeyPair rsa, Map<String, KeyPair> curves) {
        for (String hash : new String[] {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"}) {
            t(hash + "withRSA", () -> signs(hash + "withRSA", rsa, null));
            t(hash + "withECDSA", () -> signs(hash + "withECDSA", curves.get("secp256r1"), null));
        }
        t("RSASSA-PSS with SHA-256", () -> signs("RSASSA-PSS", rsa, pss("SHA-256", 32)));
        t("RSASSA-PSS with SHA-512, salt of 20 bytes", () -> signs("RSASSA-PSS", rsa, pss("SHA-512", 20)));
        t("SHA256withECDSAinP1363Format", () -> signs("SHA256withECDSAinP1363Format", curves.get("secp256r1"), null));
        for (String curve : curves.keySet())
            t("SHA384withECDSA on " + curve, () -> signs("SHA384withECDSA", curves.get(curve), null));
        t("NONEwithECDSA", () -> {
            byte[] digest = bytes(32);
            Signature s = Signature.getInstance("NONEwithECDSA", hsm);
            s.initSign(curves.get("secp256r1").getPrivate());
            s.update(digest);
            byte[] signature = s.sign();
            s.initVerify(curves.get("secp256r1").getPublic());
            s.update(digest);
            check(s.verify(signature), "not verified");
        });
        t("a signature of 3 MB", () -> {
            byte[] film = bytes(3_000_000);
            Signature s = Signature.getInstance("SHA256withECDSA", hsm);
            s.initSign(curves.get("secp256r1").getPrivate());
            s.update(film);
            byte[] signature = s.sign();
            Signature v = Signature.getInstance("SHA256withECDSA", "SunEC");
            v.initVerify(curves.get("secp256r1").getPublic());
            v.update(film);
            check(v.verify(signature), "software refuses the signature");
        });
    }

    // ---- ciphers ----

    static void cipher(String algorithm, int n, AlgorithmParameterSpec parameters, byte[] aad) throws Exception {
        SecretKeySpec soft = new SecretKeySpec(bytes(32), "AES");
        SecretKey hard = imported(soft);
        byte[] text = bytes(n);
        Cipher e = Cipher.getInstance(algorithm, hsm), d = Cipher.getInstance(algorithm, hsm);
        Cipher own = Cipher.getInstance(algorithm, "SunJCE");
        e.init(Cipher.ENCRYPT_MODE, hard, parameters);
        if (aad != null) e.updateAAD(aad);
        byte[] sealed = e.doFinal(text);
        own.init(Cipher.ENCRYPT_MODE, soft, parameters);
        if (aad != null) own.updateAAD(aad);
        check(Arrays.equals(sealed, own.doFinal(text)), "software makes another ciphertext");
        d.init(Cipher.DECRYPT_MODE, hard, parameters);
        if (aad != null) d.updateAAD(aad);
        check(Arrays.equals(text, d.doFinal(sealed)), "not decrypted");
    }

    static void ciphers(SecretKey aes) {
        IvParameterSpec iv = new IvParameterSpec(bytes(16));
        for (int n : new int[] {0, 1, 16, 4096, 300_000}) {
            t("AES/GCM, " + n + " bytes", () -> cipher("AES/GCM/NoPadding", n, new GCMParameterSpec(128, bytes(12)), bytes(20)));
            t("AES/CBC/PKCS5Padding, " + n + " bytes", () -> cipher("AES/CBC/PKCS5Padding", n, iv, null));
            t("AES/CTR, " + n + " bytes", () -> cipher("AES/CTR/NoPadding", n, iv, null));
        }
        t("AES/CBC/NoPadding", () -> cipher("AES/CBC/NoPadding", 4096, iv, null));
        t("AES/ECB/PKCS5Padding", () -> cipher("AES/ECB/PKCS5Padding", 1000, null, null));
        t("AES/GCM, no additional data, tag of 96 bits", () -> cipher("AES/GCM/NoPadding", 77, new GCMParameterSpec(96, bytes(12)), null));
        t("AES/GCM with an IV that Java makes, in parts", () -> {
            byte[] text = bytes(100_000);
            Cipher e = Cipher.getInstance("AES/GCM/NoPadding", hsm);
            e.init(Cipher.ENCRYPT_MODE, aes);
            e.updateAAD(text, 0, 13);
            java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
            for (int at = 0; at < text.length; at += 7000) {
                byte[] part = e.update(text, at, Math.min(7000, text.length - at));
                if (part != null) out.write(part);
            }
            out.write(e.doFinal());
            Cipher d = Cipher.getInstance("AES/GCM/NoPadding", hsm);
            d.init(Cipher.DECRYPT_MODE, aes, new GCMParameterSpec(128, e.getIV()));
            d.updateAAD(text, 0, 13);
            check(Arrays.equals(text, d.doFinal(out.toByteArray())), "not decrypted");
        });
        t("a changed tag is refused", () -> {
            Cipher c = Cipher.getInstance("AES/GCM/NoPadding", hsm);
            GCMParameterSpec p = new GCMParameterSpec(128, bytes(12));
            c.init(Cipher.ENCRYPT_MODE, aes, p);
            byte[] sealed = c.doFinal(bytes(50));
            sealed[sealed.length - 1] ^= 1;
            c.init(Cipher.DECRYPT_MODE, aes, p);
            try {
                c.doFinal(sealed);
            } catch (AEADBadTagException | ProviderException e) {
                return;
            }
            check(false, "it was decrypted");
        });
        t("AES/CBC in parts over a stream", () -> {
            byte[] text = bytes(123_457);
            Cipher e = Cipher.getInstance("AES/CBC/PKCS5Padding", hsm), d = Cipher.getInstance("AES/CBC/PKCS5Padding", hsm);
            e.init(Cipher.ENCRYPT_MODE, aes);
            d.init(Cipher.DECRYPT_MODE, aes, new IvParameterSpec(e.getIV()));
            byte[] sealed = new CipherInputStream(new ByteArrayInputStream(text), e).readAllBytes();
            check(Arrays.equals(text, new CipherInputStream(new ByteArrayInputStream(sealed), d).readAllBytes()), "not decrypted");
        });
    }

    static void rsaCiphers(KeyPair rsa) {
        t("RSA/ECB/PKCS1Padding", () -> {
            byte[] text = bytes(100);
            Cipher e = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE"), d = Cipher.getInstance("RSA/ECB/PKCS1Padding", hsm);
            e.init(Cipher.ENCRYPT_MODE, rsa.getPublic());
            d.init(Cipher.DECRYPT_MODE, rsa.getPrivate());
            check(Arrays.equals(text, d.doFinal(e.doFinal(text))), "not decrypted");
        });
        t("RSA/ECB/PKCS1Padding, encrypted by the HSM", () -> {
            byte[] text = bytes(100);
            Cipher c = Cipher.getInstance("RSA/ECB/PKCS1Padding", hsm);
            c.init(Cipher.ENCRYPT_MODE, rsa.getPublic());
            byte[] sealed = c.doFinal(text);
            c.init(Cipher.DECRYPT_MODE, rsa.getPrivate());
            check(Arrays.equals(text, c.doFinal(sealed)), "not decrypted");
        });
        t("RSA/ECB/NoPadding with a key that unwraps is refused", () -> {
            Cipher c = Cipher.getInstance("RSA/ECB/NoPadding", hsm);
            c.init(Cipher.DECRYPT_MODE, rsa.getPrivate());
            try {
                c.doFinal(new byte[256]);
            } catch (BadPaddingException | ProviderException e) {
                return;
            }
            check(false, "it was decrypted");
        });
        t("RSA/ECB/NoPadding with a key that does not", () -> {
            byte[] text = bytes(256);
            text[0] = 1;
            Provider narrow = Security.getProvider("SunPKCS11").configure("--name = narrow\nlibrary = " + System.getenv("CHSM_MODULE")
                + "\nslotListIndex = 0\nattributes(generate,CKO_PRIVATE_KEY,CKK_RSA) = { CKA_SIGN = true CKA_DECRYPT = true }");
            KeyPairGenerator g = KeyPairGenerator.getInstance("RSA", narrow);
            g.initialize(2048);
            KeyPair pair = g.generateKeyPair();
            Cipher c = Cipher.getInstance("RSA/ECB/NoPadding", narrow);
            c.init(Cipher.ENCRYPT_MODE, pair.getPublic());
            byte[] sealed = c.doFinal(text);
            c.init(Cipher.DECRYPT_MODE, pair.getPrivate());
            check(Arrays.equals(text, c.doFinal(sealed)), "not decrypted");
        });
        t("wrap and unwrap of an AES key", () -> {
            SecretKeySpec soft = new SecretKeySpec(bytes(32), "AES");
            Cipher c = Cipher.getInstance("RSA/ECB/PKCS1Padding", hsm), own = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
            own.init(Cipher.WRAP_MODE, rsa.getPublic());
            byte[] wrapped = own.wrap(soft);
            c.init(Cipher.UNWRAP_MODE, rsa.getPrivate());
            Key back = c.unwrap(wrapped, "AES", Cipher.SECRET_KEY);
            byte[] text = bytes(32);
            Cipher x = Cipher.getInstance("AES/ECB/NoPadding", hsm), y = Cipher.getInstance("AES/ECB/NoPadding", "SunJCE");
            x.init(Cipher.ENCRYPT_MODE, back);
            y.init(Cipher.ENCRYPT_MODE, soft);
            check(Arrays.equals(x.doFinal(text), y.doFinal(text)), "another key came back");
        });
    }

    // ---- the rest ----

    static void macs() {
        for (String mac : new String[] {"HmacSHA1", "HmacSHA224", "HmacSHA256", "HmacSHA384", "HmacSHA512"})
            t(mac, () -> {
                SecretKeySpec soft = new SecretKeySpec(bytes(40), mac);
                byte[] text = bytes(70_000);
                Mac m = Mac.getInstance(mac, hsm), own = Mac.getInstance(mac, "SunJCE");
                m.init(soft);
                own.init(soft);
                m.update(text, 0, 11);
                m.update(text, 11, text.length - 11);
                check(Arrays.equals(m.doFinal(), own.doFinal(text)), "software makes another value");
            });
        t("HmacSHA256 with a key made in the HSM", () -> {
            SecretKey key = KeyGenerator.getInstance("HmacSHA256", hsm).generateKey();
            Mac m = Mac.getInstance("HmacSHA256", hsm);
            m.init(key);
            byte[] first = m.doFinal(bytes(0));
            check(first.length == 32 && Arrays.equals(first, m.doFinal()), "not the same twice");
        });
        for (String digest : new String[] {"SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"})
            t(digest, () -> {
                byte[] text = bytes(200_000);
                MessageDigest d = MessageDigest.getInstance(digest, hsm);
                d.update(text, 0, 100);
                d.update(text, 100, text.length - 100);
                check(Arrays.equals(d.digest(), MessageDigest.getInstance(digest, "SUN").digest(text)), "another digest");
            });
        t("random bytes", () -> {
            byte[] a = new byte[5000], b = new byte[5000];
            SecureRandom r = SecureRandom.getInstance("PKCS11", hsm);
            r.nextBytes(a);
            r.nextBytes(b);
            check(!Arrays.equals(a, b), "the same twice");
        });
    }

    static void agreement(String curve, PrivateKey key, PublicKey of) throws Exception {
        KeyPairGenerator g = KeyPairGenerator.getInstance("EC", "SunEC");
        g.initialize(new ECGenParameterSpec(curve));
        KeyPair other = g.generateKeyPair();
        KeyAgreement here = KeyAgreement.getInstance("ECDH", hsm), there = KeyAgreement.getInstance("ECDH", "SunEC");
        here.init(key);
        here.doPhase(other.getPublic(), true);
        there.init(other.getPrivate());
        there.doPhase(of, true);
        check(Arrays.equals(here.generateSecret(), there.generateSecret()), "the secrets differ");
    }

    static X509Certificate certificate(String alias) throws Exception {
        return (X509Certificate) store.getCertificate(alias);
    }

    static void keyStore() {
        t("the key store is opened", () -> {
            store = KeyStore.getInstance("PKCS11", hsm);
            store.load(null, pin);
        });
        t("an entry that keytool made signs", () -> {
            KeyPair pair = new KeyPair(certificate("ec").getPublicKey(), (PrivateKey) store.getKey("ec", null));
            signs("SHA256withECDSA", pair, null);
        });
        t("a private key does not come out", () -> check(store.getKey("ec", null).getEncoded() == null, "it came out"));
        t("a secret key is stored, found and deleted", () -> {
            byte[] iv = bytes(16), text = bytes(100);
            store.setKeyEntry("stored", aesKey(256), null, null);
            check(store.isKeyEntry("stored"), "not there");
            Key key = store.getKey("stored", null);
            Cipher c = Cipher.getInstance("AES/CBC/PKCS5Padding", hsm);
            c.init(Cipher.ENCRYPT_MODE, key, new IvParameterSpec(iv));
            byte[] sealed = c.doFinal(text);
            c.init(Cipher.DECRYPT_MODE, key, new IvParameterSpec(iv));
            check(Arrays.equals(text, c.doFinal(sealed)), "not decrypted");
            store.deleteEntry("stored");
            check(!store.containsAlias("stored"), "still there");
        });
    }

    static void manyThreads(KeyPair ec) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 200; i++)
            all.add(pool.submit(() -> {
                signs("SHA256withECDSA", ec, null);
                return null;
            }));
        for (Future<?> one : all) one.get();
        pool.shutdown();
    }

    static void importedKeys() {
        t("a software RSA key signs in the HSM", () -> {
            KeyPairGenerator g = KeyPairGenerator.getInstance("RSA", "SunRsaSign");
            g.initialize(2048);
            signs("SHA256withRSA", g.generateKeyPair(), null);
        });
        t("a software EC key signs in the HSM", () -> {
            KeyPairGenerator g = KeyPairGenerator.getInstance("EC", "SunEC");
            g.initialize(new ECGenParameterSpec("secp384r1"));
            signs("SHA384withECDSA", g.generateKeyPair(), null);
        });
    }

    public static void main(String[] args) throws Exception {
        hsm = Security.getProvider("SunPKCS11").configure(args[0]);
        Security.addProvider(hsm);
        pin = args[1].toCharArray();
        count = Integer.parseInt(args[2]) - 1;
        t("a wrong PIN is a failed login", () -> {
            try {
                KeyStore.getInstance("PKCS11", hsm).load(null, "cu1:wrong12345".toCharArray());
            } catch (java.io.IOException e) {
                for (Throwable c = e; c != null; c = c.getCause())
                    if (c instanceof javax.security.auth.login.FailedLoginException) return;
                throw e;
            }
            check(false, "it was accepted");
        });
        keyStore();
        KeyPair rsa = rsaPair(2048);
        Map<String, KeyPair> curves = new LinkedHashMap<>();
        for (String curve : new String[] {"secp256r1", "secp384r1", "secp521r1"}) curves.put(curve, ecPair(curve));
        signatures(rsa, curves);
        ciphers(aesKey(256));
        rsaCiphers(rsa);
        macs();
        for (String curve : curves.keySet())
            t("ECDH on " + curve, () -> agreement(curve, curves.get(curve).getPrivate(), curves.get(curve).getPublic()));
        importedKeys();
        t("eight threads sign at once", () -> manyThreads(curves.get("secp256r1")));
        System.out.println("# ran " + count + " bad " + bad);
        System.exit(bad == 0 ? 0 : 1);
    }
}
