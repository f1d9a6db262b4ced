#!/usr/bin/env bash
# Haraka's notice of one refused beside one accepted says nothing of the failure
#
# Program: Haraka 3.3.4 (npm), outbound. A mail goes to two recipients at one host,
# which takes the first and answers 550 5.1.1 to the second. The notice that Haraka
# returns is a multipart/report that names the second as Final-Recipient, and no
# more: Action and Status, which RFC 3464 §2.3 demands, are missing, as is the reply.
# The same refusal of a mail's only recipient brings all three. Who reads notices
# can't tell this one from a delay.
# Needs node and npm. Fails when this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$dir"' EXIT
npm install --prefix "$dir" --no-audit --no-fund --silent --omit=optional Haraka@3.3.4
mkdir -p "$dir/conf/config" "$dir/conf/plugins" "$dir/conf/queue"
cp "$dir/node_modules/Haraka/config/connection.ini" "$dir/conf/config/"
echo relay.example.net > "$dir/conf/config/me"
printf 'listen=127.0.0.1:%s\nnodes=0\n' 25281 > "$dir/conf/config/smtp.ini"
echo local > "$dir/conf/config/plugins"
printf 'local_mx_ok=true\nenable_tls=false\n' > "$dir/conf/config/outbound.ini"
cat > "$dir/conf/plugins/local.js" <<'X'
exports.hook_rcpt = (next, connection) => { connection.relaying = true; next(OK) }
exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: 25282 })
X
# The host of the recipients and of the sender: it keeps what comes back.
cat > "$dir/host.js" <<'X'
const fs = require('fs'), net = require('net')
let kept = 0
net.createServer((c) => {
  let text = '', data = false, body = ''
  c.write('220 mx.remote.example ESMTP\r\n')
  c.on('error', () => {})
  c.on('data', (d) => {
    text += d
    for (let at; (at = text.indexOf('\r\n')) >= 0;) {
      const line = text.slice(0, at)
      text = text.slice(at + 2)
      if (data) {
        if (line !== '.') { body += line + '\n'; continue }
        data = false
        if (/^Content-Type: multipart\/report/m.test(body)) fs.writeFileSync(`${process.argv[2]}/notice-${++kept}`, body)
        body = ''
        c.write('250 2.0.0 taken\r\n')
      } else if (/^DATA/i.test(line)) { data = true; c.write('354 go on\r\n') }
      else if (/^RCPT.*nouser/i.test(line)) c.write('550 5.1.1 no mailbox here by that name\r\n')
      else if (/^QUIT/i.test(line)) c.end('221 2.0.0 bye\r\n')
      else c.write('250 2.1.0 ok\r\n')
    }
  })
}).listen(25282, '127.0.0.1')
X
node "$dir/host.js" "$dir" &
(cd "$dir" && exec node node_modules/Haraka/bin/haraka -c conf) > "$dir/log" 2>&1 &
cat > "$dir/send.js" <<'X'
const net = require('net')
const to = process.argv.slice(2)
const lines = ['EHLO a.example', 'MAIL FROM:<bounces@example.org>', ...to.map((a) => `RCPT TO:<${a}>`), 'DATA',
  `From: shop@example.org\r\nTo: ${to.join(', ')}\r\nSubject: Your order\r\nMessage-ID: <order@example.org>\r\nDate: Mon, 09 Nov 2026 07:02:39 +0000\r\n\r\nHello\r\n.`, 'QUIT']
const c = net.connect(25281, '127.0.0.1')
let text = ''
c.on('error', () => process.exit(1))
c.on('data', (d) => {
  text += d
  for (let at; (at = text.indexOf('\n')) >= 0; text = text.slice(at + 1)) if (text[3] !== '-' && lines.length) c.write(lines.shift() + '\r\n')
})
X
await() { # COMMAND...: until it succeeds
  for _ in $(seq 120); do "$@" && return; sleep 0.5; done
  echo "it did not happen: $*"; tail "$dir/log"; exit 1
}
await node "$dir/send.js" nouser@remote.example
await test -s "$dir/notice-1"
node "$dir/send.js" alive@remote.example nouser@remote.example
await test -s "$dir/notice-2"
group() { sed -n '/^Final-Recipient/,/^$/p' "$dir/notice-$1"; }
echo "alone:"; group 1
echo "beside one that was taken:"; group 2
[[ $(group 1) == *"Action: failed"*"Status: 5.1.1"*"550"* && $(group 2) == *nouser@remote.example* && $(group 2) != *Action:* && $(group 2) != *Status:* ]] &&
  ! grep -q '5\.1\.1' "$dir/notice-2" || { echo "Haraka does otherwise now"; exit 1; }
echo "as described: Haraka 3.3.4"
