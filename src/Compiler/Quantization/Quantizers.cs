namespace Lorq.Quantization;

/// <summary>The quantizers there are.</summary>
public static class Quantizers
{
    /// <summary>Every quantizer; to add one, write its file and add its line.</summary>
    public static IReadOnlyList<IQuantizer> All { get; } =
    [
        new RoundToNearest(),
        new ClipSearch(),
        new Hqq(),
        new Gptq(new GptqOptions(ActOrder: false)),
        new Gptq(new GptqOptions(ActOrder: true)),
        // Of the two orders this one ends lower on real layers. One round tells candidates apart; the further ones take off another 1 to 4 %.
        new CoordinateDescent(new Gptq(new GptqOptions(ActOrder: true)), rounds: 1, thoroughRounds: 3),
    ];
}
