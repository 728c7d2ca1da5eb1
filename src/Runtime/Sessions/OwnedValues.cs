using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime.Sessions;

/// <summary>What a call gave, with some values replaced by copies; all of them are freed together.</summary>
/// <param name="given">What ONNX Runtime gave; null: all values are copies.</param>
/// <param name="values">One per output: the value given or its copy.</param>
internal sealed class OwnedValues(IDisposableReadOnlyCollection<OrtValue>? given, OrtValue[] values) : IDisposable
{
    /// <summary>The values, in the order of the outputs.</summary>
    public IReadOnlyList<OrtValue> Values => values;

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (given is null || !ReferenceEquals(values[i], given[i]))
            {
                values[i].Dispose();
            }
        }
        given?.Dispose();
    }
}
