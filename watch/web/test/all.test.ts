// SPDX-License-Identifier: MIT
import './app.test';
import './bits.test';
import './console.test';
import './history.test';
import './items.test';
import './model.test';
import './owners.test';
import './strip.test';
import './walk.test';
import './why.test';
