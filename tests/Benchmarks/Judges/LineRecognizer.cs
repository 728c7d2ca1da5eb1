using Lorq.Examples.Ocr;
using Lorq.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Judges;

/// <summary>The PP-OCR recognizer, original or compressed, in ONNX Runtime on the CPU: an image of a text line in, its text out.</summary>
internal sealed class LineRecognizer : IDisposable
{
    private readonly InferenceSession session;
    private readonly CtcDecoder decoder;
    private readonly string input;

    /// <summary>Loads a model.</summary>
    /// <param name="modelPath">The recognizer.</param>
    /// <param name="keysPath">Its alphabet, one character per line.</param>
    /// <param name="operators">Run <c>ai.lorq</c> nodes by Lorq's operators.</param>
    public LineRecognizer(string modelPath, string keysPath, bool operators)
    {
        using var options = new SessionOptions();
        if (operators)
        {
            options.AddLorqOperators();
        }
        session = new InferenceSession(modelPath, options);
        decoder = new CtcDecoder(File.ReadLines(keysPath));
        input = session.InputNames[0];
    }

    /// <summary>Reads one line.</summary>
    public string Read(string imagePath) => Decode(BestClasses(imagePath));

    /// <summary>The best class of each step, before decoding.</summary>
    public int[] BestClasses(string imagePath)
    {
        (float[] values, nint[] shape) = LineImage.Read(imagePath);
        using var image = OrtValue.CreateTensorValueFromMemory(values, [.. shape.Select(d => (long)d)]);
        using var options = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(options, [input], [image], session.OutputNames);
        return decoder.BestClasses(outputs[0].GetTensorDataAsSpan<float>());
    }

    /// <summary>The text of a sequence of classes, without the spaces at its ends: nobody sees them in an image.</summary>
    public string Decode(int[] classes) => decoder.Decode(classes).Trim(' ');

    /// <inheritdoc />
    public void Dispose() => session.Dispose();
}
