// What mailauth says of one domain: node mailauth.js FOLDER spf|dkim|dmarc ARGUMENT...
const [folder, what, ...args] = process.argv.slice(2);
const from = name => require(folder + '/node_modules/mailauth/lib/' + name);
const word = r => (r.status.result + ' ' + (r.status.comment || '') + ' ' + (r.error || '')).trim();
(async () => {
  switch (what) {
    case 'spf': {
      const [ip, domain, helo] = args;
      return word(await from('spf').spf({ ip, sender: 'postmaster@' + domain, helo, mta: 'mx.example.net' }));
    }
    case 'dkim': {
      const [name] = args;
      const key = await from('tools').getPublicKey('DKIM', name, 1024);
      return 'key of ' + (key.modulusLength || '256') + ' bits';
    }
    case 'dmarc': {
      const [domain] = args;
      const r = await from('dmarc').dmarc({ headerFrom: domain, spfDomains: [], dkimDomains: [] });
      return r ? word(r) + (r.policy ? ' policy ' + r.policy : '') : 'none';
    }
  }
})().then(text => console.log(text), err => console.log('error ' + (err.code || '') + ' ' + err.message));
