"""What pyspf says: pyspf.py IP DOMAIN HELO, in its harsh mode, which warns of what is only doubtful."""
import sys

import spf

ip, domain, helo = sys.argv[1:]
query = spf.query(i=ip, s='postmaster@' + domain, h=helo, strict=2)
result, _, text = query.check()
print(result, '' if text in ('sender SPF authorized', 'SPF fail - not authorized') else text, *(query.perm_error.ext if query.perm_error and query.perm_error.ext else ()))
