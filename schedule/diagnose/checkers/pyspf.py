"""What pyspf says: pyspf.py IP DOMAIN HELO [STRICT], in its harsh mode (2), which warns of what is only doubtful."""
import sys

import spf

ip, domain, helo, *strict = sys.argv[1:]
query = spf.query(i=ip, s='postmaster@' + domain, h=helo, strict=int(strict[0]) if strict else 2)
result, _, text = query.check()
print(result, '' if text in ('sender SPF authorized', 'SPF fail - not authorized') else text, *(query.perm_error.ext if query.perm_error and query.perm_error.ext else ()))
