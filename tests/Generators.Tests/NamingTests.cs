using Lorq.Generators.Naming;
using Microsoft.CodeAnalysis.CSharp;

namespace Lorq.Generators.Tests;

/// <summary>Names of properties: valid, different, and known from the tensor's name.</summary>
public class NamingTests
{
    [Theory]
    [InlineData("input_ids", "InputIds")]
    [InlineData("logits", "Logits")]
    [InlineData("class", "Class")]
    [InlineData("1", "Input1")]
    [InlineData("input.1", "Input1")]
    [InlineData("a/b:0", "AB0")]
    [InlineData("softmax_11.tmp_0", "Softmax11Tmp0")]
    [InlineData("past_key_values.0.1.key", "PastKeyValues0_1Key")]
    [InlineData("入力", "入力")]
    [InlineData("élan", "Élan")]
    [InlineData("--", "Input1")]
    [InlineData("😀", "Input1")]
    [InlineData("ToString", "ToStringInput")]
    public void NamesAreWordsOfTheTensorsName(string tensor, string property) =>
        Assert.Equal(property, Identifiers.Properties([tensor], "Input").Single());

    [Fact]
    public void RandomNamesGiveValidAndDifferentPropertiesAndParameters()
    {
        const string Characters = "aA1_.-/:é入\u0301\u200d😀 \n@\"";
        var random = new Random(5);
        for (int trial = 0; trial < 2000; trial++)
        {
            string[] names =
            [
                .. Enumerable
                    .Range(0, random.Next(1, 12))
                    .Select(_ => new string([
                        .. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Characters[random.Next(Characters.Length)]),
                    ]))
                    .Distinct(),
            ];
            IReadOnlyList<string> properties = Identifiers.Properties(names, "Input", "XInput");
            IReadOnlyList<string> parameters = Identifiers.Parameters(properties);
            Assert.All(properties, p => Assert.True(Identifiers.IsIdentifier(p), p));
            Assert.All(parameters, p => Assert.True(SyntaxFacts.IsValidIdentifier(p.TrimStart('@')), p));
            Assert.Equal(names.Length, properties.Distinct().Count());
            Assert.Equal(names.Length, parameters.Distinct().Count());
        }
    }
}
