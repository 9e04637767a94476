import { describeFaults } from './support/describe-faults.js';

describeFaults('express');
