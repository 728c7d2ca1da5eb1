using System.Numerics.Tensors;

namespace Lorq.Examples.Ocr;

/// <summary>Reads text lines with a recognizer.</summary>
/// <param name="decoder">The decoder for the recognizer's classes.</param>
/// <param name="recognize">The recognizer: an image in, the probability of each class at each step out.</param>
public sealed class LineReader(CtcDecoder decoder, Func<Tensor<float>, Tensor<float>> recognize)
{
    /// <summary>The text of an image.</summary>
    public string Read(string imagePath)
    {
        (float[] values, nint[] shape) = LineImage.Read(imagePath);
        Tensor<float> output = recognize(Tensor.Create(values, shape));
        var probabilities = new float[output.FlattenedLength];
        output.FlattenTo(probabilities);
        // Spaces at the ends nobody sees in an image.
        return decoder.Decode(decoder.BestClasses(probabilities)).Trim(' ');
    }
}
