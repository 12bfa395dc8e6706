<?php $n = htmlspecialchars($_GET["name"]); echo "Hello $n"; exec("ls"); ?>
