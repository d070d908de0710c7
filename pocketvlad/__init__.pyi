# For type checkers, which cannot follow names that are handed out when they are asked for.
from pocketvlad.api.answers import Answers as Answers
from pocketvlad.api.compressing import compress as compress
from pocketvlad.api.evaluation import Evaluation as Evaluation
from pocketvlad.api.evaluation import evaluate as evaluate
from pocketvlad.api.exporting import Exported as Exported
from pocketvlad.api.exporting import export as export
from pocketvlad.api.files import Contents as Contents
from pocketvlad.api.files import decode as decode
from pocketvlad.api.files import inspect as inspect
from pocketvlad.api.indexing import Indexed as Indexed
from pocketvlad.api.indexing import index as index
from pocketvlad.api.maps import Map as Map
from pocketvlad.api.maps import open_map as open_map
from pocketvlad.api.model import Model as Model
from pocketvlad.api.model import load as load
from pocketvlad.api.recall import RecallEvaluation as RecallEvaluation
from pocketvlad.api.recall import recall as recall
