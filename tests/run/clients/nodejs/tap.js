// Tests one after the other, in TAP from the number given, and a last line that says that all of them ran.
'use strict';
const tests = [];
let number = Number(process.argv[2]) - 1;

exports.test = (name, body) => tests.push([name, body]);
exports.run = async () => {
    for (const [name, body] of tests) {
        number++;
        try {
            await body();
            console.log(`ok ${number} - ${name}`);
        } catch (e) {
            console.log(`not ok ${number} - ${name}`);
            console.log(String(e.stack).replace(/^/gm, '# '));
        }
    }
    console.log(`# ran ${number}`);
};
