"""What dkimpy says of a key: dkimpy.py SELECTOR._domainkey.DOMAIN."""
import sys

import dkim

try:
    _, size, kind, *_ = dkim.load_pk_from_dns((sys.argv[1] + '.').encode(), timeout=10)
    print('key of', size, 'bits', kind.decode())
except dkim.DKIMException as err:
    print('error', type(err).__name__, err)
