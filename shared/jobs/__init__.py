"""Jobs that can be applied to: searches find them on public boards, and each is on record once until it ends.

Nothing here follows a link out of a mail: addresses come from the list of boards, and from the career pages that a
person names in a search.
"""

from shared.due import SearchDue as SearchDue
from shared.jobs.asking import NewSearch as NewSearch
from shared.jobs.asking import Wanted as Wanted
from shared.jobs.asking import create_search as create_search
from shared.jobs.asking import drop_search as drop_search
from shared.jobs.asking import get as get
from shared.jobs.asking import listed as listed
from shared.jobs.asking import searches as searches
from shared.jobs.expiry import Expired as Expired
from shared.jobs.expiry import clean_cache as clean_cache
from shared.jobs.expiry import expire_old as expire_old
from shared.jobs.fetching import Reader as Reader
from shared.jobs.running import Ran as Ran
from shared.jobs.running import Scrape as Scrape
from shared.jobs.running import Scraped as Scraped
from shared.jobs.running import run as run
from shared.jobs.running import scrape as scrape
