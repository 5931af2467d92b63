import { Redactor } from '../../../core/services/redactor.ts'
import { secretsContract } from '../../services/secrets-contract.ts'

secretsContract('memory', () => new Redactor())
